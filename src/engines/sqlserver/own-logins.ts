/** Of the server and of RDS. `##…##` are certificates' own. */
const OWN_LOGINS = ['sa', 'rdsa', 'rdsadmin']

export function isOwnLogin(name: string): boolean {
  return OWN_LOGINS.includes(name.toLowerCase()) || /^(##.*##|NT (SERVICE|AUTHORITY)\\.*)$/i.test(name)
}
