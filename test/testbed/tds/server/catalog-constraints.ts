import type { CatalogView } from './catalog.ts'
import { OBJECT_COLUMNS, objectRow } from './catalog-objects.ts'

const ACTIONS = ['NO_ACTION', 'CASCADE', 'SET_NULL', 'SET_DEFAULT']

const CONSTRAINT_COLUMNS = `${OBJECT_COLUMNS} is_disabled:bit is_not_for_replication:bit is_not_trusted:bit`

export const CONSTRAINT_VIEWS: Readonly<Record<string, CatalogView>> = {
  'sys.default_constraints': {
    columns: `${OBJECT_COLUMNS} parent_column_id:int definition:nvarchar(max)? is_system_named:bit`,
    *rows({ objects }) {
      for (const object of objects)
        if (object.default !== undefined)
          yield {
            ...objectRow(object),
            parent_column_id: object.default.columnId,
            definition: object.default.text,
            is_system_named: object.systemNamed ?? false,
          }
    },
  },
  'sys.check_constraints': {
    columns: `${CONSTRAINT_COLUMNS} parent_column_id:int definition:nvarchar(max)? uses_database_collation:bit? is_system_named:bit`,
    *rows({ objects }) {
      for (const object of objects) {
        const { check } = object
        if (check !== undefined)
          yield {
            ...objectRow(object),
            is_disabled: check.disabled,
            is_not_for_replication: check.notForReplication,
            is_not_trusted: check.notTrusted,
            parent_column_id: check.columnId,
            definition: check.text,
            uses_database_collation: true,
            is_system_named: object.systemNamed ?? false,
          }
      }
    },
  },
  'sys.key_constraints': {
    columns: `${OBJECT_COLUMNS} unique_index_id:int? is_system_named:bit is_enforced:bit?`,
    *rows({ objects }) {
      for (const object of objects)
        if (object.indexId !== undefined)
          yield {
            ...objectRow(object),
            unique_index_id: object.indexId,
            is_system_named: object.systemNamed ?? false,
            is_enforced: true,
          }
    },
  },
  'sys.foreign_keys': {
    columns: `${CONSTRAINT_COLUMNS} referenced_object_id:int? key_index_id:int? delete_referential_action:tinyint? delete_referential_action_desc:nvarchar(60)?
update_referential_action:tinyint? update_referential_action_desc:nvarchar(60)? is_system_named:bit`,
    *rows({ objects }) {
      for (const object of objects) {
        const key = object.foreignKey
        if (key !== undefined)
          yield {
            ...objectRow(object),
            is_disabled: key.disabled,
            is_not_for_replication: key.notForReplication,
            is_not_trusted: key.notTrusted,
            referenced_object_id: key.referencedId,
            key_index_id: key.keyIndexId,
            delete_referential_action: key.onDelete,
            delete_referential_action_desc: ACTIONS[key.onDelete] ?? null,
            update_referential_action: key.onUpdate,
            update_referential_action_desc: ACTIONS[key.onUpdate] ?? null,
            is_system_named: object.systemNamed ?? false,
          }
      }
    },
  },
  'sys.foreign_key_columns': {
    columns:
      'constraint_object_id:int constraint_column_id:int parent_object_id:int parent_column_id:int referenced_object_id:int referenced_column_id:int',
    *rows({ objects }) {
      for (const object of objects)
        for (const [at, column] of (object.foreignKey?.columns ?? []).entries())
          yield {
            constraint_object_id: object.id,
            constraint_column_id: at + 1,
            parent_object_id: object.parentId,
            parent_column_id: column,
            referenced_object_id: object.foreignKey?.referencedId ?? 0,
            referenced_column_id: object.foreignKey?.referencedColumns[at] ?? 0,
          }
    },
  },
}
