import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collect } from '../../../../src/core/bytes.ts'
import type { TableCount } from '../../../../src/core/contents.ts'
import { countCopies } from '../../../../src/engines/postgres/dump-cluster.ts'
import { connectedDatabase } from '../../../../src/engines/postgres/script.ts'

const SCRIPT = String.raw`--
-- PostgreSQL database cluster dump; it's fine
--
\connect template1
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $a$
\connect nowhere
COPY public.fake (id) FROM stdin;
1
\.
$a$;
COMMENT ON TABLE t IS 'first
COPY public.fake (id) FROM stdin;
\connect nowhere
';
/* a comment /* in a comment */
COPY public.fake (id) FROM stdin;
*/
\connect -reuse-previous=on "dbname='Odd ""Name"" it\'s 🦊'"
COPY public.one (id, "a b") FROM stdin;
1	\N
2	\\.
\\.	x
\.
COPY "Odd ""S.""". "x" (id) FROM stdin;
SELECT 'no copy above: a space is in the wrong place';
COPY "Odd ""S."""."multi
line" ("c
d") FROM stdin;
a
\.
COPY public.empty  FROM stdin;
\.
SELECT E'\'; COPY public.fake (id) FROM stdin;
';
\connect shop
COPY shop."Order" (id) FROM stdin;
1
\.
`

const EXPECTED: readonly TableCount[] = [
  { database: `Odd "Name" it's 🦊`, schema: 'public', table: 'one', rows: 3 },
  { database: `Odd "Name" it's 🦊`, schema: 'Odd "S."', table: 'multi\nline', rows: 1 },
  { database: `Odd "Name" it's 🦊`, schema: 'public', table: 'empty', rows: 0 },
  { database: 'shop', schema: 'shop', table: 'Order', rows: 1 },
]

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length
    yield bytes.subarray(at, at + size)
    at += size
  }
}

describe('counting the rows of a script', () => {
  test('finds every COPY outside of literals and comments, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        async (sizes) => {
          const bytes = Buffer.from(SCRIPT)
          const tables: TableCount[] = []
          const passed = await collect(countCopies(cut(bytes, sizes), tables))
          expect(Buffer.from(passed).equals(bytes)).toBe(true)
          expect(tables).toEqual(EXPECTED)
        },
      ),
      { numRuns: 60 },
    )
  })
})

test.each([
  ['\\connect shop', 'shop'],
  ['\\connect "Shop"', 'Shop'],
  [`\\connect -reuse-previous=on "dbname='a b'"`, 'a b'],
  [`\\connect -reuse-previous=on "dbname='a\\\\b'"`, 'a\\b'],
  ['\\restrict abc', undefined],
])('%s names %s', (meta, database) => {
  expect(connectedDatabase(meta)).toBe(database)
})
