import { randomUUID } from 'node:crypto'
import type { Database, DatabaseOptions, Principal } from './model.ts'
import { fitMoment, type Moment, momentOfDate, momentText } from './temporal.ts'
import { DATETIME } from './types.ts'

const ROLES: readonly (readonly [number, string])[] = [
  [16384, 'db_owner'],
  [16385, 'db_accessadmin'],
  [16386, 'db_securityadmin'],
  [16387, 'db_ddladmin'],
  [16389, 'db_backupoperator'],
  [16390, 'db_datareader'],
  [16391, 'db_datawriter'],
  [16392, 'db_denydatareader'],
  [16393, 'db_denydatawriter'],
]

export const nowText = () => momentText(fitMoment(momentOfDate(new Date()), DATETIME) as Moment, DATETIME)

export const OPTIONS: DatabaseOptions = {
  collation: 'SQL_Latin1_General_CP1_CI_AS',
  compatibility: 160,
  snapshotIsolation: false,
  readCommittedSnapshot: false,
  recovery: 'FULL',
  readOnly: false,
  state: 'ONLINE',
  userAccess: 'MULTI_USER',
}

/** With the schemas, users and roles that every database comes with. */
export function newDatabase(id: number, name: string, owner: string, options: DatabaseOptions): Database {
  const principal = (
    principalId: number,
    principalName: string,
    type: string,
    schema: string | null,
    fixed = false,
  ): [number, Principal] => [
    principalId,
    {
      id: principalId,
      name: principalName,
      type,
      defaultSchema: schema,
      sid: null,
      ownerId: type === 'R' ? 1 : null,
      fixed,
      authentication: type === 'S' && principalId === 1 ? 'INSTANCE' : 'NONE',
    },
  ]
  return {
    id,
    name,
    created: nowText(),
    brokerGuid: randomUUID().toUpperCase(),
    owner,
    options: new Map([['options', options]]),
    schemas: new Map(
      [
        [1, 'dbo'] as const,
        [2, 'guest'] as const,
        [3, 'INFORMATION_SCHEMA'] as const,
        [4, 'sys'] as const,
        ...ROLES,
      ].map(([schemaId, schemaName]) => [schemaId, { id: schemaId, name: schemaName, ownerId: schemaId }]),
    ),
    types: new Map(),
    objects: new Map(),
    principals: new Map([
      principal(0, 'public', 'R', null),
      principal(1, 'dbo', 'S', 'dbo'),
      principal(2, 'guest', 'S', 'guest'),
      principal(3, 'INFORMATION_SCHEMA', 'S', null),
      principal(4, 'sys', 'S', null),
      ...ROLES.map(([roleId, roleName]) => principal(roleId, roleName, 'R', null, true)),
    ]),
    roleMembers: new Map([['16384:1', { roleId: 16384, memberId: 1 }]]),
    permissions: new Map([
      [
        '0:0:0:1:CONNECT',
        { class: 0, majorId: 0, minorId: 0, granteeId: 1, grantorId: 1, name: 'CONNECT', state: 'G' },
      ],
    ]),
    functions: new Map(),
    dataSpaces: new Map([[1, { id: 1, name: 'PRIMARY', type: 'FG', functionId: null, destinations: [] }]]),
    properties: new Map(),
    data: new Map(),
    sequenceValues: new Map(),
    nextObjectId: 581577110,
    rowversion: 2000n,
  }
}

export function takeObjectId(database: Database): number {
  database.nextObjectId += 16
  return database.nextObjectId
}
