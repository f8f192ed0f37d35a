import type { CatalogView } from './catalog.ts'
import { canEnter } from './permissions.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { fitMoment, momentOfDate, momentText } from './temporal.ts'
import { DATETIME } from './types.ts'

/** Rows that only VIEW SERVER STATE shows: an error, where other views would only hide them. */
function requireServerState(session: SessionState): void {
  if (!session.login.sysadmin)
    throw new SqlError(
      300,
      `VIEW SERVER STATE permission was denied on object 'server', database 'master'.`,
      {
        severity: 14,
        endsBatch: true,
      },
    )
}

export const SERVER_VIEWS: Readonly<Record<string, CatalogView>> = {
  'sys.databases': {
    columns: `name:sysname database_id:int source_database_id:int? owner_sid:varbinary(85)? create_date:datetime compatibility_level:tinyint collation_name:sysname?
user_access:tinyint? user_access_desc:nvarchar(60)? is_read_only:bit? is_auto_close_on:bit state:tinyint? state_desc:nvarchar(60)? is_in_standby:bit?
snapshot_isolation_state:tinyint? snapshot_isolation_state_desc:nvarchar(60)? is_read_committed_snapshot_on:bit? recovery_model:tinyint? recovery_model_desc:nvarchar(60)?
containment:tinyint? containment_desc:nvarchar(60)? is_encrypted:bit? is_broker_enabled:bit service_broker_guid:uniqueidentifier is_cdc_enabled:bit
is_published:bit is_subscribed:bit is_merge_published:bit is_distributor:bit is_trustworthy_on:bit? is_db_chaining_on:bit? log_reuse_wait_desc:nvarchar(60)?
is_quoted_identifier_on:bit? is_ansi_nulls_on:bit? group_database_id:uniqueidentifier? replica_id:uniqueidentifier? is_accelerated_database_recovery_on:bit?`,
    *rows({ session }) {
      const { server } = session
      for (const database of [...server.databases.values()].sort((a, b) => a.id - b.id)) {
        const options = database.options.get('options')
        if (options === undefined) continue
        // VIEW ANY DATABASE is granted to public: the names are seen by all.
        const owner = server.logins.get(database.owner.toLowerCase())
        yield {
          name: database.name,
          database_id: database.id,
          source_database_id: null,
          owner_sid: owner === undefined ? null : Uint8Array.from(Buffer.from(owner.sid, 'hex')),
          create_date: database.created,
          compatibility_level: options.compatibility,
          collation_name: options.collation,
          user_access: options.userAccess === 'MULTI_USER' ? 0 : 1,
          user_access_desc: options.userAccess,
          is_read_only: options.readOnly,
          is_auto_close_on: false,
          state: options.state === 'ONLINE' ? 0 : 6,
          state_desc: options.state,
          is_in_standby: false,
          snapshot_isolation_state: options.snapshotIsolation ? 1 : 0,
          snapshot_isolation_state_desc: options.snapshotIsolation ? 'ON' : 'OFF',
          is_read_committed_snapshot_on: options.readCommittedSnapshot,
          recovery_model: options.recovery === 'FULL' ? 1 : 3,
          recovery_model_desc: options.recovery,
          containment: 0,
          containment_desc: 'NONE',
          is_encrypted: false,
          is_broker_enabled: false,
          service_broker_guid: database.brokerGuid,
          is_cdc_enabled: false,
          is_published: false,
          is_subscribed: false,
          is_merge_published: false,
          is_distributor: false,
          is_trustworthy_on: false,
          is_db_chaining_on: false,
          log_reuse_wait_desc: 'NOTHING',
          is_quoted_identifier_on: false,
          is_ansi_nulls_on: false,
          group_database_id: null,
          replica_id: null,
          is_accelerated_database_recovery_on: false,
        }
      }
    },
  },
  'sys.dm_exec_sessions': {
    columns: `session_id:smallint login_time:datetime host_name:nvarchar(128)? program_name:nvarchar(128)? login_name:nvarchar(128) status:nvarchar(30)
is_user_process:bit database_id:smallint open_transaction_count:int transaction_isolation_level:smallint`,
    *rows({ session }) {
      for (const each of session.server.sessions) {
        if (!session.login.sysadmin && each !== session) continue
        yield {
          session_id: each.spid,
          login_time: session.server.started,
          host_name: each.host,
          program_name: each.application,
          login_name: each.login.name,
          status: each === session ? 'running' : 'sleeping',
          is_user_process: true,
          database_id: each.database.id,
          open_transaction_count: each.trancount,
          transaction_isolation_level: each.isolation === 'SNAPSHOT' ? 5 : 2,
        }
      }
    },
  },
  'sys.dm_exec_connections': {
    columns:
      'session_id:int? net_transport:nvarchar(40) protocol_type:nvarchar(40)? encrypt_option:nvarchar(40) auth_scheme:nvarchar(40)',
    *rows({ session }) {
      for (const each of session.server.sessions)
        if (each === session || session.login.sysadmin)
          yield {
            session_id: each.spid,
            net_transport: 'TCP',
            protocol_type: 'TSQL',
            encrypt_option: 'TRUE',
            auth_scheme: 'SQL',
          }
    },
  },
  'sys.master_files': {
    columns:
      'database_id:int file_id:int type:tinyint type_desc:nvarchar(60)? name:sysname physical_name:nvarchar(260) state_desc:nvarchar(60)? size:int max_size:int',
    *rows({ session }) {
      if (!session.login.sysadmin) return
      for (const database of session.server.databases.values()) {
        if (!canEnter(session, database)) continue
        let pages = 1024
        for (const data of database.data.values()) pages += Math.ceil(data.rows.length / 50)
        yield {
          database_id: database.id,
          file_id: 1,
          type: 0,
          type_desc: 'ROWS',
          name: database.name,
          physical_name: `/var/opt/mssql/data/${database.name}.mdf`,
          state_desc: 'ONLINE',
          size: pages,
          max_size: -1,
        }
        yield {
          database_id: database.id,
          file_id: 2,
          type: 1,
          type_desc: 'LOG',
          name: `${database.name}_log`,
          physical_name: `/var/opt/mssql/data/${database.name}_log.ldf`,
          state_desc: 'ONLINE',
          size: 1024,
          max_size: -1,
        }
      }
    },
  },
  'sys.database_files': {
    columns:
      'file_id:int type:tinyint type_desc:nvarchar(60)? data_space_id:int name:sysname physical_name:nvarchar(260)? state_desc:nvarchar(60)? size:int max_size:int',
    *rows({ database }) {
      let pages = 1024
      for (const data of database.data.values()) pages += Math.ceil(data.rows.length / 50)
      yield {
        file_id: 1,
        type: 0,
        type_desc: 'ROWS',
        data_space_id: 1,
        name: database.name,
        physical_name: `/var/opt/mssql/data/${database.name}.mdf`,
        state_desc: 'ONLINE',
        size: pages,
        max_size: -1,
      }
      yield {
        file_id: 2,
        type: 1,
        type_desc: 'LOG',
        data_space_id: 0,
        name: `${database.name}_log`,
        physical_name: `/var/opt/mssql/data/${database.name}_log.ldf`,
        state_desc: 'ONLINE',
        size: 1024,
        max_size: -1,
      }
    },
  },
  'sys.dm_db_index_usage_stats': {
    columns: `database_id:smallint object_id:int index_id:int user_seeks:bigint user_scans:bigint user_lookups:bigint user_updates:bigint
last_user_seek:datetime? last_user_scan:datetime? last_user_lookup:datetime? last_user_update:datetime?`,
    *rows({ session }) {
      requireServerState(session)
      for (const database of session.server.databases.values())
        for (const [id, data] of database.data) {
          if (data.lastWrite === undefined) continue
          const moment = fitMoment(momentOfDate(new Date(data.lastWrite)), DATETIME)
          yield {
            database_id: database.id,
            object_id: id,
            index_id: database.objects.get(id)?.table?.indexes[0]?.id ?? 0,
            user_seeks: 0n,
            user_scans: 0n,
            user_lookups: 0n,
            user_updates: 1n,
            last_user_seek: null,
            last_user_scan: null,
            last_user_lookup: null,
            last_user_update: moment === undefined ? null : momentText(moment, DATETIME),
          }
        }
    },
  },
  'sys.dm_os_sys_info': {
    columns: 'cpu_count:int sqlserver_start_time:datetime',
    *rows({ session }) {
      yield { cpu_count: 2, sqlserver_start_time: session.server.started }
    },
  },
  'sys.configurations': {
    columns:
      'configuration_id:int name:nvarchar(35) value:sql_variant? value_in_use:sql_variant? description:nvarchar(255)',
    *rows() {},
  },
}
