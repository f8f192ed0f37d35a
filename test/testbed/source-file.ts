import { parseAst } from 'vitest/node'

export interface SourceFacts {
  /** Module specifiers of imports and re-exports, of types too, and of import() whose argument is a literal. */
  readonly imports: readonly string[]
  /** Members of the global `process` and `console` that are named, such as `process.env`; `process` alone is any of them. */
  readonly globals: readonly string[]
}

type Node = { readonly type: string } & Readonly<Record<string, unknown>>

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportAllDeclaration',
  'ExportNamedDeclaration',
  'ImportExpression',
  'TSImportType',
])

/** What a TypeScript file imports and which globals it touches, by a real parser. */
export function readSource(text: string): SourceFacts {
  const imports: string[] = []
  const globals: string[] = []
  visit(parseAst(text, { lang: 'ts' }), undefined, (node, parent) => {
    if (IMPORTING.has(node.type) && node.source !== null) {
      if (!isNode(node.source) || typeof node.source.value !== 'string') {
        throw new Error(
          'an import() whose argument is not a literal: nothing can be said about what it loads',
        )
      }
      imports.push(node.source.value)
    }
    if (isGlobal(node, parent)) globals.push(globalName(node, parent))
  })
  return { imports, globals }
}

function visit(value: unknown, parent: Node | undefined, see: (node: Node, parent?: Node) => void): void {
  if (Array.isArray(value)) {
    for (const element of value) visit(element, parent, see)
    return
  }
  if (!isNode(value)) return
  see(value, parent)
  for (const child of Object.values(value)) visit(child, value, see)
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** An identifier that is a value of its own: not the name of a member, a key, or a label of an import. */
function isGlobal(node: Node, parent: Node | undefined): boolean {
  if (node.type !== 'Identifier' || (node.name !== 'process' && node.name !== 'console')) return false
  if (parent?.type === 'MemberExpression') {
    const ofGlobalThis = isNode(parent.object) && parent.object.name === 'globalThis'
    return parent.object === node || parent.computed === true || ofGlobalThis
  }
  if (parent?.type === 'Property') return parent.value === node && parent.key !== node
  const declares = ['TSPropertySignature', 'PropertyDefinition', 'MethodDefinition', 'TSMethodSignature']
  if (declares.includes(parent?.type ?? '')) return parent?.key !== node
  // `typeof process`, `NodeJS.Process` and the like are types.
  return !(parent?.type.startsWith('TS') ?? false)
}

function globalName(node: Node, parent: Node | undefined): string {
  const name = String(node.name)
  if (parent?.type !== 'MemberExpression' || parent.object !== node || !isNode(parent.property)) return name
  if (parent.computed !== true) return `${name}.${String(parent.property.name)}`
  return typeof parent.property.value === 'string' ? `${name}.${parent.property.value}` : name
}
