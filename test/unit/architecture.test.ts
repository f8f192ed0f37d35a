import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSource, type SourceFacts } from '../testbed/source-file.ts'

const ROOT = join(import.meta.dirname, '../..')
const PLUGINS = ['engines', 'stages', 'sinks']
const LAYERS = [
  'core',
  'config',
  'engines',
  'stages',
  'sinks',
  'runbooks',
  'aws',
  'simulation',
  'app',
  'cli',
] as const
type Layer = (typeof LAYERS)[number]
/** Of the runbooks they know the ports, and no way. */
const FILL_PORTS: readonly string[] = ['aws', 'simulation']

/** Who may import whom, as docs/architecture.md has it. Each layer may import itself. */
const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  core: [],
  config: ['core'],
  engines: ['core'],
  stages: ['core'],
  sinks: ['core'],
  runbooks: ['core'],
  aws: ['core', 'runbooks'],
  simulation: ['core', 'runbooks'],
  app: ['core', 'config', 'engines', 'stages', 'sinks', 'runbooks', 'aws', 'simulation'],
  cli: ['core', 'config', 'app'],
}

/** Layers that work through others name the npm packages that they may use; the rest may use any. */
const MAY_USE_PACKAGES: Readonly<Partial<Record<Layer, Readonly<Record<string, readonly string[]>>>>> = {
  core: {
    execa: ['src/core/tool-child.ts'],
    zod: [
      'src/core/manifest.ts',
      'src/core/contents.ts',
      'src/core/verified.ts',
      'src/core/kept.ts',
      'src/core/lease-record.ts',
      'src/core/evidence.ts',
      'src/core/audit-record.ts',
    ],
  },
  app: {
    zod: [
      'src/app/catalog.ts',
      'src/app/sealed-record.ts',
      'src/app/inventory/schema.ts',
      'src/app/read-accounts.ts',
      'src/app/inventory/rds-schema.ts',
      'src/app/inventory/zone-schema.ts',
      'src/app/inventory/record.ts',
    ],
    yaml: ['src/app/schedule/kubernetes.ts'],
  },
}

/** What belongs to one place only, and that place. */
const KEPT_GLOBALS: readonly { readonly pattern: RegExp; readonly layer: Layer }[] = [
  { pattern: /^process(\.env)?$/, layer: 'config' },
  { pattern: /^console(\..*)?$/, layer: 'cli' },
  { pattern: /^process(\.(stdout|stderr|stdin|exit|exitCode|abort|reallyExit|_rawDebug))?$/, layer: 'cli' },
]

const files = filesBelow('src')
const sources: ReadonlyMap<string, SourceFacts> = new Map(
  files.filter((file) => file.endsWith('.ts')).map((file) => [file, readSource(readFileSync(file, 'utf8'))]),
)

/** What the registry and the use cases pick: each is an engine, stage or sink of its own, also as a single file. */
const importedByApp: ReadonlySet<string> = new Set(
  [...sources].flatMap(([file, { imports }]) =>
    layerOf(file) === 'app'
      ? imports.filter((name) => name.startsWith('.')).map((name) => resolve(file, name))
      : [],
  ),
)

describe('architecture', () => {
  test('every source file lies in a known layer', () => {
    expect(files.filter((file) => !(LAYERS as readonly string[]).includes(layerOf(file)))).toEqual([])
    expect(sources.size).toBeGreaterThan(20)
  })

  test('imports follow the table of layers', () => {
    expect([...sources].flatMap(([file, { imports }]) => wrongImports(file, imports))).toEqual([])
  })

  test('no engine, stage or sink imports another', () => {
    expect([...sources].flatMap(([file, { imports }]) => siblings(file, imports, importedByApp))).toEqual([])
  })

  test('only config reads the environment, only cli prints, prompts or exits', () => {
    expect([...sources].flatMap(([file, { globals }]) => strayGlobals(file, globals))).toEqual([])
  })

  test('files are kebab-case and named for what they hold', () => {
    const all = [...files, ...filesBelow('test'), ...filesBelow('docs'), ...filesBelow('docker')]
    expect(all.filter(isBadlyNamed)).toEqual([])
  })
})

describe('the checks above', () => {
  test('see every kind of import', () => {
    const text = `
      import type { A } from './a.ts'
      import b from 'b'
      export * from './c.ts'
      export { d } from './d.ts'
      const e = await import('./e.ts')
      type F = import('./f.ts').F
      type G = typeof import('./g.ts')
      import './h.ts'
      // import './not.ts'
      const text = "import './neither.ts'"
      export const i = 1`
    expect(readSource(text).imports).toEqual(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => (name === 'b' ? 'b' : `./${name}.ts`)),
    )
    expect(() => readSource('await import(name)')).toThrow(/not a literal/)
  })

  test('see every way to the globals', () => {
    const text = `
      process.env.HOME; process['exit'](1); console.log(1); const { env } = process; globalThis.process
      child.process; const tool = { process: 1, console: 2 }; interface C { process: number }
      const p = { process }; f(process[name])`
    expect(readSource(text).globals).toEqual([
      ...['process.env', 'process.exit', 'console.log', 'process', 'process', 'process', 'process'],
    ])
  })

  test('find what breaks the rules', () => {
    const chosen = new Set(['src/stages/gzip.ts', 'src/stages/zstd.ts'])
    expect(wrongImports('src/core/clock.ts', ['node:fs', './errors.ts', 'execa', '../app/dump.ts'])).toEqual([
      'src/core/clock.ts imports execa',
      'src/core/clock.ts imports ../app/dump.ts',
    ])
    expect(wrongImports('src/core/tool-child.ts', ['execa'])).toEqual([])
    expect(
      wrongImports('src/aws/rds.ts', ['../runbooks/ports/rds.ts', '../runbooks/copy-snapshot.ts']),
    ).toEqual(['src/aws/rds.ts imports ../runbooks/copy-snapshot.ts'])
    expect(wrongImports('src/runbooks/fence.ts', ['../aws/rds.ts'])).toHaveLength(1)
    expect(
      wrongImports('src/sinks/s3/index.ts', ['../../engines/mysql/index.ts', '../../config/load.ts']),
    ).toHaveLength(2)
    expect(wrongImports('src/cli/main.ts', ['../../test/testbed/mariadb.ts', 'fs'])).toHaveLength(2)
    expect(
      siblings('src/sinks/s3/index.ts', ['../ssh/index.ts', '../paths.ts', './part.ts'], chosen),
    ).toEqual(['src/sinks/s3/index.ts imports ../ssh/index.ts'])
    expect(siblings('src/sinks/with-retry.ts', ['./s3/index.ts'], chosen)).toHaveLength(1)
    expect(siblings('src/stages/gzip.ts', ['./zstd.ts', './blocks.ts'], chosen)).toEqual([
      'src/stages/gzip.ts imports ./zstd.ts',
    ])
    expect(strayGlobals('src/app/dump.ts', ['process.pid', 'process.env', 'console.error'])).toEqual([
      'src/app/dump.ts uses process.env',
      'src/app/dump.ts uses console.error',
    ])
    expect(strayGlobals('src/cli/main.ts', ['process.env', 'process.exitCode'])).toEqual([
      'src/cli/main.ts uses process.env',
    ])
    expect(
      ['src/core/utils.ts', 'src/core/Tool.ts', 'src/sinks/base.ts', 'src/core/tool_run.ts'].filter(
        isBadlyNamed,
      ),
    ).toHaveLength(4)
    expect(
      ['src/core/tool.ts', 'docs/format.md', 'test/unit/core/tool.test.ts'].filter(isBadlyNamed),
    ).toEqual([])
  })
})

function wrongImports(file: string, imports: readonly string[]): string[] {
  const layer = layerOf(file) as Layer
  return imports.filter((name) => !isAllowed(file, layer, name)).map((name) => `${file} imports ${name}`)
}

function isAllowed(file: string, layer: Layer, name: string): boolean {
  if (name.startsWith('.')) {
    const path = resolve(file, name)
    const target = layerOf(path)
    // The version that lifeboat says it has is the one of its package.
    if (path === 'package.json') return layer === 'config'
    if (target === 'runbooks' && FILL_PORTS.includes(layer))
      return /^src\/runbooks\/ports(\.ts$|\/)/.test(path)
    return target === layer || (MAY_IMPORT[layer] as readonly string[]).includes(target)
  }
  // A builtin without its prefix could be shadowed by a package.
  if (isBuiltin(name)) return name.startsWith('node:') && name !== 'node:process' && name !== 'node:console'
  const packages = MAY_USE_PACKAGES[layer]
  return packages === undefined || (packages[name]?.includes(file) ?? false)
}

/** A folder is one engine, stage or sink; files beside the folders are one themselves if the app imports them. */
function siblings(file: string, imports: readonly string[], chosen: ReadonlySet<string>): string[] {
  const layer = layerOf(file)
  if (!PLUGINS.includes(layer)) return []
  return imports
    .filter((name) => {
      if (!name.startsWith('.')) return false
      const target = resolve(file, name)
      if (layerOf(target) !== layer || pluginOf(target) === pluginOf(file)) return false
      return pluginOf(target).endsWith('.ts') ? chosen.has(target) && chosen.has(file) : true
    })
    .map((name) => `${file} imports ${name}`)
}

function strayGlobals(file: string, globals: readonly string[]): string[] {
  return globals
    .filter((name) =>
      KEPT_GLOBALS.some(({ pattern, layer }) => pattern.test(name) && !mayTouch(file, name, layer)),
    )
    .map((name) => `${file} uses ${name}`)
}

/** `process` as a whole is both the environment and the exit: each of the two layers may pass it around. */
function mayTouch(file: string, name: string, layer: Layer): boolean {
  const own = layerOf(file)
  return own === layer || (name === 'process' && (own === 'cli' || own === 'config'))
}

function isBadlyNamed(file: string): boolean {
  const name = basename(file)
  const stem = name.replace(/(\.(test|d))?\.[a-z0-9]+$/, '')
  if (['README', 'Dockerfile'].includes(stem)) return false
  if (['utils', 'util', 'helpers', 'helper', 'manager', 'base', 'common', 'misc'].includes(stem)) return true
  return !/^[a-z0-9]+([.-][a-z0-9]+)*$/.test(stem)
}

function layerOf(file: string): string {
  const [top, layer] = file.split('/')
  return top === 'src' ? (layer ?? '') : `${top}/`
}

function pluginOf(file: string): string {
  return file.split('/')[2] ?? ''
}

function resolve(file: string, name: string): string {
  return join(dirname(file), name)
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort()
}
