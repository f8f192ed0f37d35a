import type { TdsValue } from '../backend.ts'
import type { CatalogView } from './catalog.ts'
import { collationOf } from './table-definition.ts'
import { BASE_TYPES } from './types.ts'
import { toVariant } from './values.ts'

const isText = (name: string) =>
  ['char', 'varchar', 'nchar', 'nvarchar', 'text', 'ntext', 'sysname'].includes(name)
const baseId = (name: string) => BASE_TYPES[name]?.systemId ?? BASE_TYPES[name]?.id ?? 243

export const TYPE_VIEWS: Readonly<Record<string, CatalogView>> = {
  'sys.types': {
    columns: `name:sysname system_type_id:tinyint user_type_id:int schema_id:int principal_id:int? max_length:smallint precision:tinyint scale:tinyint
collation_name:sysname? is_nullable:bit? is_user_defined:bit is_assembly_type:bit default_object_id:int rule_object_id:int is_table_type:bit`,
    *rows({ database }) {
      const rest = { principal_id: null, default_object_id: 0, rule_object_id: 0 }
      for (const [name, facts] of Object.entries(BASE_TYPES))
        yield {
          ...rest,
          name,
          system_type_id: baseId(name),
          user_type_id: facts.id,
          schema_id: 4,
          max_length: facts.bytes,
          precision: facts.precision,
          scale: facts.scale,
          collation_name: isText(name) ? collationOf(database) : null,
          is_nullable: name !== 'sysname' && name !== 'timestamp',
          is_user_defined: false,
          is_assembly_type: facts.systemId === 240,
          is_table_type: false,
        }
      for (const type of [...database.types.values()].sort((a, b) => a.id - b.id)) {
        const table = type.tableObjectId !== null
        yield {
          ...rest,
          name: type.name,
          system_type_id: table ? 243 : baseId(type.base.name),
          user_type_id: type.id,
          schema_id: type.schemaId,
          max_length: type.base.length ?? -1,
          precision: type.base.precision ?? 0,
          scale: type.base.scale ?? 0,
          collation_name: isText(type.base.name) ? collationOf(database) : null,
          is_nullable: type.nullable,
          is_user_defined: true,
          is_assembly_type: false,
          is_table_type: table,
        }
      }
    },
  },
  'sys.table_types': {
    columns: `name:sysname system_type_id:tinyint user_type_id:int schema_id:int principal_id:int? max_length:smallint precision:tinyint scale:tinyint collation_name:sysname?
is_nullable:bit? is_user_defined:bit is_assembly_type:bit default_object_id:int rule_object_id:int is_table_type:bit type_table_object_id:int is_memory_optimized:bit?`,
    *rows({ database }) {
      for (const type of database.types.values())
        if (type.tableObjectId !== null)
          yield {
            name: type.name,
            system_type_id: 243,
            user_type_id: type.id,
            schema_id: type.schemaId,
            principal_id: null,
            max_length: -1,
            precision: 0,
            scale: 0,
            collation_name: null,
            is_nullable: false,
            is_user_defined: true,
            is_assembly_type: false,
            default_object_id: 0,
            rule_object_id: 0,
            is_table_type: true,
            type_table_object_id: type.tableObjectId,
            is_memory_optimized: false,
          }
    },
  },
  'sys.sequences': {
    columns: `name:sysname object_id:int principal_id:int? schema_id:int parent_object_id:int type:char(2) type_desc:nvarchar(60)? create_date:datetime modify_date:datetime
is_ms_shipped:bit start_value:sql_variant increment:sql_variant minimum_value:sql_variant? maximum_value:sql_variant? is_cycling:bit? is_cached:bit? cache_size:int?
system_type_id:tinyint user_type_id:int precision:tinyint scale:tinyint? current_value:sql_variant is_exhausted:bit last_used_value:sql_variant?`,
    *rows({ database, objects }) {
      for (const object of objects) {
        const { sequence } = object
        if (sequence === undefined) continue
        const state = database.sequenceValues.get(object.id)
        const put = (value: bigint): TdsValue =>
          toVariant(
            sequence.type.name === 'bigint'
              ? value
              : sequence.type.name === 'decimal' || sequence.type.name === 'numeric'
                ? value.toString()
                : Number(value),
            sequence.type,
          )
        yield {
          name: object.name,
          object_id: object.id,
          principal_id: null,
          schema_id: object.schemaId,
          parent_object_id: 0,
          type: 'SO',
          type_desc: 'SEQUENCE_OBJECT',
          create_date: object.created,
          modify_date: object.created,
          is_ms_shipped: false,
          start_value: put(sequence.start),
          increment: put(sequence.increment),
          minimum_value: put(sequence.minimum),
          maximum_value: put(sequence.maximum),
          is_cycling: sequence.cycle,
          is_cached: sequence.cached,
          cache_size: sequence.cacheSize,
          system_type_id: baseId(sequence.type.name),
          user_type_id: sequence.userTypeId,
          precision: sequence.type.precision ?? 0,
          scale: sequence.type.scale ?? 0,
          current_value: put(state?.value ?? sequence.start),
          is_exhausted: false,
          last_used_value: state?.used ? put(state.value) : null,
        }
      }
    },
  },
  'sys.partition_functions': {
    columns: `name:sysname function_id:int type:char(2) type_desc:nvarchar(60)? fanout:int boundary_value_on_right:bit is_system:bit create_date:datetime modify_date:datetime`,
    *rows({ database }) {
      for (const each of database.functions.values())
        yield {
          name: each.name,
          function_id: each.id,
          type: 'R ',
          type_desc: 'RANGE',
          fanout: each.values.length + 1,
          boundary_value_on_right: each.right,
          is_system: false,
          create_date: database.created,
          modify_date: database.created,
        }
    },
  },
  'sys.partition_parameters': {
    columns:
      'function_id:int parameter_id:int system_type_id:tinyint max_length:smallint precision:tinyint scale:tinyint collation_name:sysname? user_type_id:int',
    *rows({ database }) {
      for (const each of database.functions.values())
        yield {
          function_id: each.id,
          parameter_id: 1,
          system_type_id: baseId(each.type.name),
          max_length: each.type.length ?? 0,
          precision: each.type.precision ?? 0,
          scale: each.type.scale ?? 0,
          collation_name: isText(each.type.name) ? collationOf(database) : null,
          user_type_id: BASE_TYPES[each.type.name]?.id ?? 0,
        }
    },
  },
  'sys.partition_range_values': {
    columns: 'function_id:int boundary_id:int parameter_id:int value:sql_variant?',
    *rows({ database }) {
      for (const each of database.functions.values())
        for (const [at, value] of each.values.entries())
          yield {
            function_id: each.id,
            boundary_id: at + 1,
            parameter_id: 1,
            value: toVariant(value, each.type),
          }
    },
  },
  'sys.partition_schemes': {
    columns:
      'name:sysname data_space_id:int type:char(2) type_desc:nvarchar(60)? is_default:bit? is_system:bit? function_id:int',
    *rows({ database }) {
      for (const space of database.dataSpaces.values())
        if (space.functionId !== null)
          yield {
            name: space.name,
            data_space_id: space.id,
            type: 'PS',
            type_desc: 'PARTITION_SCHEME',
            is_default: false,
            is_system: false,
            function_id: space.functionId,
          }
    },
  },
  'sys.destination_data_spaces': {
    columns: 'partition_scheme_id:int destination_id:int data_space_id:int',
    *rows({ database }) {
      for (const space of database.dataSpaces.values())
        for (const [at, id] of space.destinations.entries())
          yield { partition_scheme_id: space.id, destination_id: at + 1, data_space_id: id }
    },
  },
  'sys.data_spaces': {
    columns:
      'name:sysname data_space_id:int type:char(2) type_desc:nvarchar(60)? is_default:bit? is_system:bit?',
    *rows({ database }) {
      for (const space of database.dataSpaces.values())
        yield {
          name: space.name,
          data_space_id: space.id,
          type: space.type,
          type_desc: space.type === 'FG' ? 'ROWS_FILEGROUP' : 'PARTITION_SCHEME',
          is_default: space.id === 1,
          is_system: false,
        }
    },
  },
  'sys.filegroups': {
    columns:
      'name:sysname data_space_id:int type:char(2) type_desc:nvarchar(60)? is_default:bit? is_system:bit? filegroup_guid:uniqueidentifier? is_read_only:bit?',
    *rows({ database }) {
      for (const space of database.dataSpaces.values())
        if (space.type === 'FG')
          yield {
            name: space.name,
            data_space_id: space.id,
            type: 'FG',
            type_desc: 'ROWS_FILEGROUP',
            is_default: space.id === 1,
            is_system: false,
            filegroup_guid: null,
            is_read_only: false,
          }
    },
  },
}
