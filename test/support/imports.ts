import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix, resolve } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'

export const root = resolve(import.meta.dirname, '..', '..')

/** One import of a file, however it is written. */
export type Import = {
  readonly line: number
  readonly specifier: string
  /** True if it is gone once types are stripped. */
  readonly isType: boolean
  /** Imported names; '*' for a namespace or all of a module, none for a side effect. */
  readonly names: readonly string[]
}

export type Found = {
  readonly imports: readonly Import[]
  /** Uses of the world without an import: `Date.now`, `process`, … */
  readonly globals: readonly { readonly line: number; readonly name: string }[]
}

/** Names through which code reaches time, chance or the outside without importing anything. */
const worldly = new Set(['process', 'fetch', 'setTimeout', 'setInterval', 'performance', 'crypto'])

/** Every static, dynamic, type and re-export import, and every `require`. @throws on a syntax error */
export function findImports(file: string, source: string): Found {
  const { module, program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const imports: Import[] = []
  const globals: { line: number; name: string }[] = []
  const lineOf = (offset: number) => source.slice(0, offset).split('\n').length
  const add = (start: number, specifier: string, isType: boolean, names: string[]) => {
    imports.push({ line: lineOf(start), specifier, isType, names })
  }
  for (const { start, moduleRequest, entries } of module.staticImports) {
    const isType = entries.length > 0 && entries.every((entry) => entry.isType)
    const names = entries.map(({ importName }) => importName.name ?? '*')
    add(start, moduleRequest.value, isType, names)
  }
  for (const { start, entries } of module.staticExports) {
    for (const { moduleRequest, isType, importName } of entries) {
      if (moduleRequest) add(start, moduleRequest.value, isType, [importName.name ?? '*'])
    }
  }
  const literal = (node: unknown): string => {
    const { type, value, quasis } = node as { type: string; value: unknown; quasis?: Quasi[] }
    if (type === 'Literal' && typeof value === 'string') return value
    const only = quasis?.length === 1 ? quasis[0]?.value.cooked : undefined
    return only ?? computed
  }
  const members = new Set<unknown>()
  new Visitor({
    ImportExpression: ({ start, source: from }) => add(start, literal(from), false, ['*']),
    TSImportType: ({ start, source: from }) => add(start, literal(from), true, ['*']),
    CallExpression: ({ start, callee, arguments: [first] }) => {
      const isRequire = callee.type === 'Identifier' && callee.name === 'require'
      if (isRequire && first !== undefined) add(start, literal(first), false, ['*'])
    },
    MemberExpression: ({ start, object, property, computed: isComputed }) => {
      if (!isComputed) members.add(property)
      if (object.type !== 'Identifier' || property.type !== 'Identifier') return
      const name = `${object.name}.${property.name}`
      if (/^(Date\.now|Math\.random)$/.test(name)) globals.push({ line: lineOf(start), name })
    },
    Property: ({ key, computed: isComputed }) => {
      if (!isComputed) members.add(key)
    },
    NewExpression: ({ start, callee, arguments: given }) => {
      const isNow = callee.type === 'Identifier' && callee.name === 'Date' && given.length === 0
      if (isNow) globals.push({ line: lineOf(start), name: 'new Date()' })
    },
    Identifier: (node) => {
      const { start, name } = node
      if (worldly.has(name) && !members.has(node)) globals.push({ line: lineOf(start), name })
    },
  }).visit(program)
  return { imports, globals }
}

type Quasi = { readonly value: { readonly cooked: string | null } }

/** Stands for what only running the code could tell. */
export const computed = '(computed)'

/** Where an import leads. */
export type Target =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'library'; readonly name: string }
  | { readonly kind: 'unknown' }

const subpaths = Object.entries(
  (
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      imports: Record<string, string>
    }
  ).imports,
)

/** Resolves relative paths and the `#` names of package.json; the rest is Node or npm. */
export function resolveImport(file: string, specifier: string): Target {
  if (specifier === computed) return { kind: 'unknown' }
  if (specifier.startsWith('.')) {
    return { kind: 'file', path: posix.join(posix.dirname(file), specifier) }
  }
  if (specifier.startsWith('#')) {
    for (const [from, to] of subpaths) {
      const prefix = from.replace('*', '')
      const isMatch = from.endsWith('*') ? specifier.startsWith(prefix) : specifier === from
      if (!isMatch) continue
      const path = posix.normalize(to.replace('*', specifier.slice(prefix.length)))
      return { kind: 'file', path }
    }
    return { kind: 'unknown' }
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const isBuiltin = specifier.startsWith('node:') || builtinModules.includes(name)
  return isBuiltin ? { kind: 'builtin', name: specifier } : { kind: 'library', name }
}
