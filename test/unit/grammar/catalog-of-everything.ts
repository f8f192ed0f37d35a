import type { Catalog, Module } from '../../../src/engines/sqlserver/catalog/model.ts'
import { column, constraint, id, index, tables } from './tables-of-everything.ts'

let objectId = 1
function module(kind: Module['kind'], name: string, definition: string, more: Partial<Module> = {}): Module {
  objectId += 1
  return {
    kind,
    schema: 'dbo',
    name,
    objectId,
    definition,
    quotedIdentifier: true,
    ansiNulls: false,
    schemaBound: false,
    dependsOn: [],
    ...more,
  }
}

const modules: readonly Module[] = [
  module('function', 'tax', 'CREATE FUNCTION [dbo].[tax](@a int) RETURNS int AS BEGIN RETURN @a * 2 END'),
  module('view', 'v', 'CREATE VIEW [dbo].[v] WITH SCHEMABINDING AS SELECT [id] FROM [dbo].[other]'),
  module('procedure', 'p', 'CREATE PROCEDURE [dbo].[p] @a int = 1 AS\n/*\nGO\n*/\nSELECT @a', {
    quotedIdentifier: false,
  }),
  module('default', 'zero', 'CREATE DEFAULT [dbo].[zero] AS 0'),
  module('rule', 'positive', 'CREATE RULE [dbo].[positive] AS @a > 0'),
  module(
    'trigger',
    'tr',
    'CREATE TRIGGER [dbo].[tr] ON [dbo].[other] AFTER INSERT, UPDATE AS SET NOCOUNT ON',
    {
      trigger: {
        parent: { schema: 'dbo', name: 'other' },
        disabled: true,
        order: [{ statement: 'INSERT', position: 'First' }],
      },
    },
  ),
  module('database trigger', 'guard', 'CREATE TRIGGER [guard] ON DATABASE FOR DROP_TABLE AS ROLLBACK', {
    trigger: { disabled: false, order: [{ statement: 'DROP_TABLE', position: 'Last' }] },
  }),
  module('database trigger', 'off', 'CREATE TRIGGER [off] ON DATABASE FOR DROP_TABLE AS ROLLBACK', {
    trigger: { disabled: true, order: [] },
  }),
]

const permission = { permission: 'SELECT', column: undefined, grantee: 'bob', grantor: undefined }

/** A database with one of everything that is scripted, under names that have to be quoted. */
export const EVERYTHING: Catalog = {
  database: {
    name: "Bob's ] shop",
    collation: 'Latin1_General_100_CI_AS_SC_UTF8',
    compatibilityLevel: 150,
    containment: 'PARTIAL',
    snapshotIsolation: true,
    readCommittedSnapshot: true,
  },
  schemas: [{ name: 'Odd [schema]', owner: 'bob' }],
  aliasTypes: [
    {
      schema: 'dbo',
      name: 'Phone',
      base: { type: 'nvarchar', maxLength: 40, nullable: false },
      bound: { rule: { schema: 'dbo', name: 'positive' } },
    },
    { schema: 'dbo', name: 'Amount', base: { type: 'decimal', precision: 19, scale: 4, nullable: true } },
  ],
  tableTypes: [
    {
      schema: 'dbo',
      name: 'Ids',
      columns: [id, column('name', 'nvarchar', { maxLength: 20 })],
      indexes: [
        index('PK', 'clustered', { unique: true, constraint: { kind: 'primary key', isSystemNamed: true } }),
        index('by name', 'nonclustered', { keys: [{ name: 'name', descending: false }] }),
      ],
      checks: [{ ...constraint, name: 'CK__2', definition: '([id]>(0))', isSystemNamed: true }],
      memoryOptimized: false,
    },
    {
      schema: 'dbo',
      name: 'Quick',
      columns: [id],
      indexes: [index('quick', 'hash', { bucketCount: 64 })],
      checks: [],
      memoryOptimized: true,
    },
    {
      schema: 'dbo',
      name: 'Calling',
      columns: [column('a', 'int', { computed: { definition: '([dbo].[tax]((1)))', persisted: false } })],
      indexes: [],
      checks: [],
      memoryOptimized: false,
    },
  ],
  xmlSchemaCollections: [
    {
      schema: 'dbo',
      name: 'Invoices',
      text: '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"><xsd:element name="it\'s"/></xsd:schema>',
    },
  ],
  sequences: [
    {
      schema: 'dbo',
      name: 'numbers',
      type: 'decimal(38,0)',
      start: '-1',
      increment: '1',
      minimum: '-99999999999999999999',
      maximum: '99999999999999999999',
      cycles: true,
      cache: 50,
      current: '7',
    },
    {
      schema: 'dbo',
      name: 'uncached',
      type: 'bigint',
      start: '1',
      increment: '5',
      minimum: '1',
      maximum: '10',
      cycles: false,
      cache: 0,
      // Not one of its values: it was altered.
      current: '9',
    },
    {
      schema: 'dbo',
      name: 'unused',
      type: '[dbo].[Amount]',
      start: '1',
      increment: '-1',
      minimum: '1',
      maximum: '10',
      cycles: false,
      cache: undefined,
      current: undefined,
    },
  ],
  partitionFunctions: [
    {
      name: 'ranges',
      parameter: { type: 'int' },
      boundaryOnRight: true,
      boundaries: ['(1)', '-5', '1000'],
    },
    {
      name: 'texts',
      parameter: { type: 'nvarchar', maxLength: 20, collation: 'Latin1_General_CI_AS' },
      boundaryOnRight: false,
      boundaries: ["N'it''s'"],
    },
  ],
  partitionSchemes: [{ name: 'by_id', function: 'ranges' }],
  tables,
  modules,
  indexedViews: [
    {
      schema: 'dbo',
      name: 'v',
      indexes: [index('CI', 'clustered', { unique: true }), index('NC', 'nonclustered', { disabled: true })],
    },
  ],
  securityPolicies: [
    {
      schema: 'dbo',
      name: 'rows',
      enabled: true,
      notForReplication: true,
      schemaBound: false,
      predicates: [
        {
          kind: 'FILTER',
          definition: '([dbo].[mine]([id]))',
          target: { schema: 'dbo', name: 'other' },
          operation: undefined,
        },
        {
          kind: 'BLOCK',
          definition: '([dbo].[mine]([id]))',
          target: { schema: 'dbo', name: 'other' },
          operation: 'AFTER INSERT',
        },
      ],
    },
  ],
  fullText: {
    catalogs: [{ name: 'odd ] catalog', isDefault: true, accentSensitive: false }],
    stoplists: [{ name: 'stop', words: [{ word: "it's", language: 1033 }] }],
    indexes: [
      {
        table: { schema: 'dbo', name: 'other' },
        keyIndex: 'PK',
        catalog: 'odd ] catalog',
        enabled: false,
        changeTracking: 'MANUAL',
        stoplist: '[stop]',
        columns: [
          { name: 'document', typeColumn: 'kind', language: 1033, semantics: true },
          { name: 'name', typeColumn: undefined, language: 0, semantics: false },
        ],
      },
      {
        table: { schema: 'dbo', name: 'other still' },
        keyIndex: 'PK',
        catalog: 'odd ] catalog',
        enabled: true,
        changeTracking: 'AUTO',
        stoplist: 'SYSTEM',
        columns: [{ name: 'name', typeColumn: undefined, language: 1033, semantics: false }],
      },
    ],
  },
  synonyms: [{ schema: 'dbo', name: 'far', target: '[server].[db].[dbo].[t]' }],
  principals: [
    { name: 'readers', kind: 'role', owner: 'bob', authentication: 'none', mayNotConnect: false },
    {
      name: 'bob',
      kind: 'user',
      login: 'bob',
      defaultSchema: 'Odd [schema]',
      authentication: 'login',
      mayNotConnect: true,
    },
    { name: 'no login', kind: 'user', authentication: 'none', defaultSchema: 'dbo', mayNotConnect: false },
    { name: 'contained', kind: 'user', authentication: 'database', mayNotConnect: false },
    { name: 'entra', kind: 'user', authentication: 'external', defaultSchema: 'dbo', mayNotConnect: false },
  ],
  roleMembers: [{ role: 'readers', member: 'bob' }],
  owners: [{ securable: 'OBJECT::[dbo].[t]', owner: 'bob' }],
  permissions: [
    { ...permission, state: 'GRANT', securable: 'OBJECT::[dbo].[t]' },
    {
      ...permission,
      state: 'GRANT_WITH_GRANT_OPTION',
      securable: 'OBJECT::[dbo].[t]',
      column: 'a b',
      grantor: 'ann',
    },
    { ...permission, state: 'DENY', permission: 'VIEW DEFINITION', securable: 'SCHEMA::[s]', grantor: 'ann' },
    { ...permission, state: 'REVOKE', securable: 'OBJECT::[dbo].[t]', column: 'a' },
    { ...permission, state: 'GRANT', permission: 'CREATE TABLE', securable: undefined },
    { ...permission, state: 'GRANT', permission: 'EXECUTE', securable: 'TYPE::[dbo].[Ids]' },
    {
      ...permission,
      state: 'GRANT',
      permission: 'REFERENCES',
      securable: 'XML SCHEMA COLLECTION::[dbo].[Invoices]',
    },
    { ...permission, state: 'DENY', permission: 'IMPERSONATE', securable: 'USER::[ann]' },
  ],
  extendedProperties: [
    { name: 'MS_Description', value: "N'it''s'", levels: [] },
    { name: 'nothing', value: undefined, levels: [['SCHEMA', 'dbo']] },
    {
      name: 'number',
      value: 'CAST(12.50 AS decimal(10, 2))',
      levels: [
        ['SCHEMA', 'dbo'],
        ['TABLE', 't'],
        ['COLUMN', 'c'],
      ],
    },
  ],
  notCaptured: [],
  warnings: [],
}
