/**
 * Who may do what, by views that SELECT_CATALOG_ROLE opens; each for what Oracle does not maintain itself. A password verifier is in
 * none of these columns.
 */

export const READ_ACCOUNTS = `
SELECT u.username AS "name", u.account_status AS "status", u.profile AS "profile",
       u.authentication_type AS "authentication"
FROM dba_users u
WHERE u.oracle_maintained = 'N'`

export const READ_MADE_ROLES = `
SELECT r.role AS "name", r.authentication_type AS "authentication"
FROM dba_roles r
WHERE r.oracle_maintained = 'N'`

export const READ_ROLE_GRANTS = `
SELECT p.grantee AS "grantee", p.granted_role AS "role", p.admin_option AS "admin", p.default_role AS "byDefault"
FROM dba_role_privs p
WHERE p.grantee IN (SELECT u.username FROM dba_users u WHERE u.oracle_maintained = 'N')
   OR p.grantee IN (SELECT r.role FROM dba_roles r WHERE r.oracle_maintained = 'N')`

export const READ_SYSTEM_GRANTS = `
SELECT p.grantee AS "grantee", p.privilege AS "privilege", p.admin_option AS "admin"
FROM dba_sys_privs p
WHERE p.grantee = 'PUBLIC'
   OR p.grantee IN (SELECT u.username FROM dba_users u WHERE u.oracle_maintained = 'N')
   OR p.grantee IN (SELECT r.role FROM dba_roles r WHERE r.oracle_maintained = 'N')`

/** What PUBLIC may do with Oracle's own objects is thousands of lines, and the version's. What was dropped is in the recycle bin. */
export const READ_OBJECT_GRANTS = `
SELECT p.grantee AS "grantee", p.owner AS "owner", p.table_name AS "object", p.privilege AS "privilege",
       p.grantable AS "grantable"
FROM dba_tab_privs p
WHERE p.table_name NOT LIKE 'BIN$%' AND p.table_name NOT LIKE 'LIFEBOAT\\_%' ESCAPE '\\'
  AND ((p.grantee = 'PUBLIC' AND p.owner IN (SELECT o.username FROM dba_users o WHERE o.oracle_maintained = 'N'))
    OR p.grantee IN (SELECT u.username FROM dba_users u WHERE u.oracle_maintained = 'N')
    OR p.grantee IN (SELECT r.role FROM dba_roles r WHERE r.oracle_maintained = 'N'))`

export const READ_COLUMN_GRANTS = `
SELECT p.grantee AS "grantee", p.owner AS "owner", p.table_name AS "object", p.column_name AS "column",
       p.privilege AS "privilege", p.grantable AS "grantable"
FROM dba_col_privs p
WHERE p.table_name NOT LIKE 'BIN$%'
  AND ((p.grantee = 'PUBLIC' AND p.owner IN (SELECT o.username FROM dba_users o WHERE o.oracle_maintained = 'N'))
    OR p.grantee IN (SELECT u.username FROM dba_users u WHERE u.oracle_maintained = 'N')
    OR p.grantee IN (SELECT r.role FROM dba_roles r WHERE r.oracle_maintained = 'N'))`

/** -1 is without a limit. */
export const READ_QUOTAS = `
SELECT q.username AS "grantee", q.tablespace_name AS "tablespace", TO_CHAR(q.max_bytes) AS "bytes"
FROM dba_ts_quotas q
WHERE q.username IN (SELECT u.username FROM dba_users u WHERE u.oracle_maintained = 'N')
  AND q.max_bytes <> 0`

/** Accounts that may become another one without its password. */
export const READ_PROXIES = `
SELECT p.proxy AS "proxy", p.client AS "client"
FROM dba_proxies p`
