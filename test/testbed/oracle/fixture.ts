import type { ScriptedOracle } from './server.ts'

/** Schemas and tables whose names and rows are awkward, and enough of them for several pieces of 1 MiB. */
export function seedOracle({ database }: ScriptedOracle): void {
  database.tablespaces.add('SHOP_DATA')
  database.addSchema('SHOP', { tablespace: 'SHOP_DATA' })
  database.addSchema("O'Hara", {})
  database.addSchema('Café 🦊', {})
  const rows = (count: number, bytes: number) =>
    Array.from(
      { length: count },
      (_, index) => `${index}:${String.fromCharCode(97 + (index % 26)).repeat(bytes)}`,
    )
  database.write('SHOP', 'ORDERS', rows(2_000, 1_000), 'SHOP_DATA')
  database.write('SHOP', 'EMPTY', [])
  database.write('SHOP', 'Odd.Name', ['a "quoted" row', "it's", '\u0000\n\t', '🦊'])
  database.write("O'Hara", 'PEOPLE', rows(7, 10))
  database.write('Café 🦊', 'T', ['one'])
}
