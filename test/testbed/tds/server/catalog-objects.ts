import type { CatalogRow, CatalogView } from './catalog.ts'
import type { SqlObject } from './model.ts'
import { findObject, resolveTypeName } from './names.ts'
import { mentionsOf } from './references.ts'
import { moduleOf } from './sources.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { BASE_TYPES } from './types.ts'
import { toVariant } from './values.ts'
import { visibleDefinition } from './visible-definition.ts'

export const TYPE_DESC: Readonly<Record<string, string>> = {
  U: 'USER_TABLE',
  V: 'VIEW',
  P: 'SQL_STORED_PROCEDURE',
  FN: 'SQL_SCALAR_FUNCTION',
  IF: 'SQL_INLINE_TABLE_VALUED_FUNCTION',
  TF: 'SQL_TABLE_VALUED_FUNCTION',
  TR: 'SQL_TRIGGER',
  SN: 'SYNONYM',
  SO: 'SEQUENCE_OBJECT',
  PK: 'PRIMARY_KEY_CONSTRAINT',
  UQ: 'UNIQUE_CONSTRAINT',
  F: 'FOREIGN_KEY_CONSTRAINT',
  C: 'CHECK_CONSTRAINT',
  D: 'DEFAULT_CONSTRAINT',
  TT: 'TYPE_TABLE',
}

export const OBJECT_COLUMNS = `name:sysname object_id:int principal_id:int? schema_id:int parent_object_id:int type:char(2) type_desc:nvarchar(60)? create_date:datetime
modify_date:datetime is_ms_shipped:bit is_published:bit is_schema_published:bit`

export function objectRow(object: SqlObject): CatalogRow {
  return {
    name: object.name,
    object_id: object.id,
    principal_id: null,
    schema_id: object.schemaId,
    parent_object_id: object.parentId,
    type: object.type.padEnd(2),
    type_desc: TYPE_DESC[object.type] ?? null,
    create_date: object.created,
    modify_date: object.created,
    // A table type's table counts as the server's own.
    is_ms_shipped: object.type === 'TT',
    is_published: false,
    is_schema_published: false,
  }
}

const of = (...types: string[]) => ({
  columns: OBJECT_COLUMNS,
  *rows({ objects }: Parameters<CatalogView['rows']>[0]) {
    for (const object of objects) if (types.includes(object.type)) yield objectRow(object)
  },
})

const EVENT_TYPES: Readonly<Record<string, number>> = { INSERT: 1, UPDATE: 2, DELETE: 3 }

export const OBJECT_VIEWS: Readonly<Record<string, CatalogView>> = {
  'sys.schemas': {
    columns: 'name:sysname schema_id:int principal_id:int?',
    *rows({ database }) {
      for (const schema of database.schemas.values())
        yield { name: schema.name, schema_id: schema.id, principal_id: schema.ownerId }
    },
  },
  'sys.objects': {
    columns: OBJECT_COLUMNS,
    *rows({ objects }) {
      // A database trigger is in sys.triggers only.
      for (const object of objects) if (object.module?.trigger?.database !== true) yield objectRow(object)
    },
  },
  'sys.views': { ...of('V') },
  'sys.procedures': { ...of('P') },
  'sys.sql_modules': {
    columns: `object_id:int definition:nvarchar(max)? uses_ansi_nulls:bit? uses_quoted_identifier:bit? is_schema_bound:bit? uses_database_collation:bit? is_recompiled:bit?
null_on_null_input:bit? execute_as_principal_id:int? uses_native_compilation:bit? inline_type:bit? is_inlineable:bit?`,
    *rows({ session, database, objects }) {
      for (const object of objects)
        if (object.module !== undefined)
          yield {
            object_id: object.id,
            definition: visibleDefinition(session, database, object.id),
            uses_ansi_nulls: object.module.ansiNulls,
            uses_quoted_identifier: object.module.quotedIdentifier,
            is_schema_bound: object.module.schemaBound,
            uses_database_collation: false,
            is_recompiled: false,
            null_on_null_input: false,
            execute_as_principal_id: null,
            uses_native_compilation: false,
            inline_type: false,
            is_inlineable: false,
          }
    },
  },
  'sys.parameters': {
    columns:
      'object_id:int name:sysname? parameter_id:int system_type_id:tinyint user_type_id:int max_length:smallint precision:tinyint scale:tinyint is_output:bit has_default_value:bit is_readonly:bit is_nullable:bit?',
    *rows({ session, database, objects }) {
      for (const object of objects) {
        if (object.module === undefined || !['P', 'FN', 'IF', 'TF'].includes(object.type)) continue
        const module = moduleOf(object)
        for (const [at, parameter] of module.parameters.entries()) {
          const { base, userTypeId } = resolveTypeName(session, parameter.type, false, database)
          yield {
            object_id: object.id,
            name: parameter.name,
            parameter_id: at + 1,
            system_type_id: BASE_TYPES[base.name]?.id ?? 243,
            user_type_id: userTypeId,
            max_length: base.length ?? -1,
            precision: base.precision ?? 0,
            scale: base.scale ?? 0,
            is_output: parameter.output,
            has_default_value: false,
            is_readonly: parameter.readonly,
            is_nullable: true,
          }
        }
      }
    },
  },
  'sys.triggers': {
    columns: `name:sysname object_id:int parent_class:tinyint parent_class_desc:nvarchar(60)? parent_id:int type:char(2) type_desc:nvarchar(60)? create_date:datetime
modify_date:datetime is_ms_shipped:bit is_disabled:bit is_not_for_replication:bit is_instead_of_trigger:bit`,
    *rows({ objects }) {
      for (const object of objects) {
        const trigger = object.module?.trigger
        if (trigger !== undefined)
          yield {
            name: object.name,
            object_id: object.id,
            parent_class: trigger.database ? 0 : 1,
            parent_class_desc: trigger.database ? 'DATABASE' : 'OBJECT_OR_COLUMN',
            parent_id: object.parentId,
            type: 'TR',
            type_desc: 'SQL_TRIGGER',
            create_date: object.created,
            modify_date: object.created,
            is_ms_shipped: false,
            is_disabled: trigger.disabled,
            is_not_for_replication: false,
            is_instead_of_trigger: trigger.insteadOf,
          }
      }
    },
  },
  'sys.trigger_events': {
    columns:
      'object_id:int type:int type_desc:nvarchar(128) is_trigger_event:bit? is_first:bit? is_last:bit? event_group_type:int? event_group_type_desc:nvarchar(128)?',
    *rows({ objects }) {
      for (const object of objects)
        for (const event of object.module?.trigger?.events ?? []) {
          const order = object.module?.trigger?.order[event]
          yield {
            object_id: object.id,
            type: EVENT_TYPES[event] ?? 21,
            type_desc: event,
            is_trigger_event: true,
            is_first: order === 'First',
            is_last: order === 'Last',
            event_group_type: null,
            event_group_type_desc: null,
          }
        }
    },
  },
  'sys.synonyms': {
    columns: `${OBJECT_COLUMNS} base_object_name:nvarchar(1035)?`,
    *rows({ objects }) {
      for (const object of objects)
        if (object.synonym !== undefined) yield { ...objectRow(object), base_object_name: object.synonym }
    },
  },
  'sys.sql_expression_dependencies': {
    columns: `referencing_id:int referencing_minor_id:int referencing_class:tinyint? referencing_class_desc:nvarchar(60)? is_schema_bound_reference:bit referenced_class:tinyint?
referenced_class_desc:nvarchar(60)? referenced_server_name:sysname? referenced_database_name:sysname? referenced_schema_name:sysname? referenced_entity_name:sysname
referenced_id:int? referenced_minor_id:int is_caller_dependent:bit is_ambiguous:bit`,
    *rows({ session, objects }) {
      for (const object of objects)
        for (const { reference, columnId, schemaBound } of mentionsOf(object)) {
          const parts = [reference.database, reference.schema, reference.name].filter((part) => part !== null)
          const found = quietFind(session, parts)
          yield {
            referencing_id: object.id,
            referencing_minor_id: columnId,
            referencing_class: 1,
            referencing_class_desc: 'OBJECT_OR_COLUMN',
            is_schema_bound_reference: schemaBound,
            referenced_class: 1,
            referenced_class_desc: 'OBJECT_OR_COLUMN',
            referenced_server_name: null,
            referenced_database_name: reference.database,
            referenced_schema_name: reference.schema,
            referenced_entity_name: reference.name,
            referenced_id: found === undefined || found.id === object.id ? null : found.id,
            referenced_minor_id: 0,
            is_caller_dependent: false,
            is_ambiguous: false,
          }
        }
    },
  },
  'sys.extended_properties': {
    columns:
      'class:tinyint class_desc:nvarchar(60)? major_id:int minor_id:int name:sysname value:sql_variant?',
    *rows({ database, objects }) {
      const seen = new Set(objects.map((object) => object.id))
      for (const property of database.properties.values()) {
        if ([1, 2, 7].includes(property.class) && !seen.has(property.majorId)) continue
        yield {
          class: property.class,
          class_desc: CLASS_DESC[property.class] ?? null,
          major_id: property.majorId,
          minor_id: property.minorId,
          name: property.name,
          value: toVariant(property.value, property.type),
        }
      }
    },
  },
}

const CLASS_DESC: Readonly<Record<number, string>> = {
  0: 'DATABASE',
  1: 'OBJECT_OR_COLUMN',
  2: 'PARAMETER',
  3: 'SCHEMA',
  4: 'DATABASE_PRINCIPAL',
  6: 'TYPE',
  7: 'INDEX',
  8: 'USER_DEFINED_TABLE_TYPE_COLUMN',
  20: 'PARTITION_SCHEME',
  21: 'PARTITION_FUNCTION',
}

function quietFind(session: SessionState, parts: readonly string[]): SqlObject | undefined {
  try {
    return findObject(session, parts)?.object
  } catch (thrown) {
    if (thrown instanceof SqlError) return undefined
    throw thrown
  }
}
