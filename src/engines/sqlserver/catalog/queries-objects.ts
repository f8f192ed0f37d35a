import { type CatalogQuery, variant } from './query.ts'

/** Modules, synonyms, who may do what, and extended properties. */
export const OBJECT_QUERIES = {
  objects: {
    what: 'modules',
    view: 'sys.objects',
    columns: ['object_id', 'schema_id', 'parent_object_id', 'name', 'type'],
    optional: ['principal_id'],
    where: 'is_ms_shipped = 0',
    orderBy: 'object_id',
    required: true,
  },
  modules: {
    what: 'views, procedures, functions and triggers',
    view: 'sys.sql_modules',
    columns: ['object_id', 'definition', 'uses_ansi_nulls', 'uses_quoted_identifier', 'is_schema_bound'],
    optional: ["CAST(OBJECTPROPERTY(object_id, 'IsEncrypted') AS int) AS is_encrypted"],
    orderBy: 'object_id',
  },
  triggers: {
    what: 'triggers',
    view: 'sys.triggers',
    columns: ['object_id', 'name', 'parent_class', 'parent_id', 'is_disabled'],
    optional: ['is_ms_shipped'],
    orderBy: 'object_id',
  },
  triggerEvents: {
    what: 'the order of triggers',
    view: 'sys.trigger_events',
    columns: ['object_id', 'type_desc', 'is_first', 'is_last'],
  },
  dependencies: {
    what: 'the dependencies of modules',
    view: 'sys.sql_expression_dependencies',
    columns: ['referencing_id', 'referenced_id'],
    where: 'referenced_id IS NOT NULL',
  },
  securityPolicies: {
    what: 'security policies',
    view: 'sys.security_policies',
    columns: ['object_id', 'schema_id', 'name', 'is_enabled', 'is_not_for_replication', 'is_schema_bound'],
    orderBy: 'object_id',
  },
  securityPredicates: {
    what: 'the predicates of security policies',
    view: 'sys.security_predicates',
    columns: [
      ...['object_id', 'security_predicate_id', 'target_object_id', 'predicate_definition'],
      ...['predicate_type_desc', 'operation_desc'],
    ],
    orderBy: 'object_id, security_predicate_id',
  },
  synonyms: {
    what: 'synonyms',
    view: 'sys.synonyms',
    columns: ['object_id', 'schema_id', 'name', 'base_object_name'],
    orderBy: 'object_id',
  },
  principals: {
    what: 'users and roles',
    view: 'sys.database_principals',
    columns: ['principal_id', 'name', 'type', 'default_schema_name', 'owning_principal_id', 'is_fixed_role'],
    optional: ['authentication_type_desc', 'SUSER_SNAME(sid) AS login_name'],
    orderBy: 'principal_id',
  },
  roleMembers: {
    what: 'members of roles',
    view: 'sys.database_role_members',
    columns: ['role_principal_id', 'member_principal_id'],
    orderBy: 'role_principal_id, member_principal_id',
  },
  permissions: {
    what: 'permissions',
    view: 'sys.database_permissions',
    columns: [
      ...['class', 'major_id', 'minor_id', 'grantee_principal_id', 'grantor_principal_id', 'permission_name'],
      'state_desc',
    ],
    // Below 0 lie the server's own objects, which every database comes with.
    where: 'major_id >= 0',
    orderBy: 'class, major_id, minor_id, grantee_principal_id, permission_name',
  },
  extendedProperties: {
    what: 'extended properties',
    view: 'sys.extended_properties',
    columns: ['class', 'major_id', 'minor_id', 'name', ...variant('value')],
    orderBy: 'class, major_id, minor_id, name',
  },
  parameters: {
    what: 'extended properties of parameters',
    view: 'sys.parameters',
    columns: ['object_id', 'parameter_id', 'name'],
  },
} as const satisfies Record<string, CatalogQuery>
