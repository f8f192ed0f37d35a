import { expect, test } from 'vitest'
import { attributesOf, rightsOf } from '../../../../src/engines/mysql/account-list.ts'

const HASH = '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'

test.each([
  // MariaDB 10.11 and later.
  ["CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*2470'", ['may log in', 'password by mysql_native_password']],
  ['CREATE USER `a`@`%`', ['may log in', 'no password']],
  [
    `CREATE USER \`a\`@\`%\` IDENTIFIED VIA mysql_native_password USING '${HASH}' OR unix_socket`,
    ['may log in', 'no password, by unix_socket', 'password by mysql_native_password'],
  ],
  [
    "CREATE USER `a`@`%` IDENTIFIED BY PASSWORD 'x' REQUIRE ISSUER '/CN= WITH ca' SUBJECT '/CN=a' WITH MAX_USER_CONNECTIONS 5 ACCOUNT LOCK PASSWORD EXPIRE NEVER",
    [
      ...['MAX_USER_CONNECTIONS 5', "REQUIRE ISSUER '/CN= WITH ca' SUBJECT '/CN=a'"],
      'password by mysql_native_password',
    ],
  ],
  // MySQL 5.7, 8 and later.
  [
    `CREATE USER 'a'@'%' IDENTIFIED WITH 'mysql_native_password' AS '${HASH}' REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK`,
    ['may log in', 'password by mysql_native_password'],
  ],
  [
    "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x24412430 DEFAULT ROLE `r`@`%` REQUIRE X509 WITH MAX_QUERIES_PER_HOUR 1 MAX_USER_CONNECTIONS 2 PASSWORD EXPIRE DEFAULT ACCOUNT LOCK PASSWORD HISTORY DEFAULT",
    [
      ...['MAX_QUERIES_PER_HOUR 1', 'MAX_USER_CONNECTIONS 2', 'REQUIRE X509', 'default role `r`@`%`'],
      'password by caching_sha2_password',
    ],
  ],
  [
    "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 'x' AND IDENTIFIED WITH 'authentication_ldap_sasl' REQUIRE NONE",
    ['may log in', 'no password, by authentication_ldap_sasl', 'password by caching_sha2_password'],
  ],
  ['ALTER USER `a`@`%` PASSWORD EXPIRE', []],
])('%s', (row, expected) => {
  expect([...attributesOf(row)].sort()).toEqual(expected)
})

const a = { user: 'a', host: '%' }

test.each([
  [
    'GRANT SELECT, INSERT (`x`, `y, z`) ON `shop`.* TO `a`@`%`',
    ['SELECT ON `shop`.*', 'INSERT (`x`, `y, z`) ON `shop`.*'],
  ],
  ['GRANT USAGE ON *.* TO `a`@`%` WITH GRANT OPTION', ['GRANT OPTION ON *.*']],
  ['GRANT EXECUTE ON PROCEDURE `s`.`p ON q` TO `a`@`%`', ['EXECUTE ON PROCEDURE `s`.`p ON q`']],
  ["GRANT PROXY ON ''@'' TO 'a'@'%' WITH GRANT OPTION", ["PROXY ON ''@''", "GRANT OPTION ON ''@''"]],
  [
    'GRANT `r`@`%`,`s`@`%` TO `a`@`%` WITH ADMIN OPTION',
    ['role `r`@`%`', 'ADMIN OPTION of `r`@`%`', 'role `s`@`%`', 'ADMIN OPTION of `s`@`%`'],
  ],
  ['GRANT `r` TO `a`@`%`', ['role `r`']],
  ['REVOKE INSERT ON `mysql`.* FROM `a`@`%`', ['REVOKE INSERT ON `mysql`.* FROM `a`@`%`']],
])('%s', (grant, expected) => {
  expect(rightsOf(grant, a)).toEqual(expected)
})
