import { paths, roots, type Row, rows } from './import-table.ts'
import { computed, findImports, type Import, resolveImport } from './imports.ts'

/** Files that implement the clocks: there is nowhere else to ask the machine for the time. */
const clocks = paths('orchestrator/processes/wall-time\\.ts$', 'simulations/clock\\.ts$')

/** What starts the product or tests it is imported by its own kind and by tests alone. */
const importedByFew: readonly { readonly target: RegExp; readonly from: RegExp }[] = [
  { target: paths('orchestrator/cli\\.ts$'), from: paths('test/') },
  { target: paths(roots), from: paths(roots, 'test/') },
  {
    target: paths('bootstrap\\.mjs$', 'orchestrator/bootstrap/'),
    from: paths('test/', 'bootstrap\\.mjs$', 'orchestrator/bootstrap/'),
  },
  { target: paths('test/'), from: paths('test/') },
]

/** The row whose rules a file follows; null for a file that has no place. */
export function rowOf(file: string): Row | null {
  return rows.find(({ files }) => files.test(file)) ?? null
}

/** Everything in a file that its row does not allow, each as a line for a person. */
export function violations(file: string, source: string): string[] {
  const row = rowOf(file)
  if (row === null) return [`${file}: no row of the import table knows this place`]
  const { imports, globals } = findImports(file, source)
  const wrongGlobals = globals
    .filter(({ name }) => row.globals.includes(name) && !clocks.test(file))
    .map(({ line, name }) => `${file}:${line} uses ${name}, which ${row.name} may not`)
  return [...wrongGlobals, ...imports.flatMap((found) => judge(row, file, found))]
}

function judge(row: Row, file: string, found: Import): string[] {
  const { line, specifier } = found
  const report = (why: string) => [`${file}:${line} imports ${specifier}: ${why}`]
  const target = resolveImport(file, specifier)
  switch (target.kind) {
    case 'unknown':
      if (specifier === computed && row.libraries.includes('*') && row.name !== 'test') return []
      return report('nobody can tell where it leads')
    case 'builtin':
      return row.builtins ? [] : report(`${row.name} may import nothing of Node`)
    case 'library':
      return row.libraries.some((allowed) => isLibrary(allowed, target.name))
        ? []
        : report(`${row.name} may not import this library`)
    case 'file':
      return judgeFile(row, file, found, target.path, report)
  }
}

function isLibrary(allowed: string, name: string): boolean {
  return allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed
}

function judgeFile(
  row: Row,
  file: string,
  { isType, names, specifier }: Import,
  path: string,
  report: (why: string) => string[],
): string[] {
  const few = importedByFew.find(({ target }) => target.test(path))
  if (few !== undefined && !few.from.test(file)) return report('nothing of the product imports it')
  if (specifier.startsWith('..') && placeOf(path) !== placeOf(file)) {
    return report('another folder is named with #')
  }
  if (row.files.test(path) || row.may.test(path)) return []
  const narrow = row.only?.find((allowed) => allowed.path.test(path))
  if (narrow === undefined) return report(`${row.name} may not import ${path}`)
  if (!isType) return report(`${row.name} may import types of ${path} only`)
  const excess = names.filter((name) => narrow.names !== undefined && !narrow.names.includes(name))
  if (excess.length === 0) return []
  return report(`${row.name} may import ${narrow.names?.join(', ')} of ${path} only`)
}

/** The folder within which imports are relative. */
function placeOf(path: string): string {
  return path
    .split('/')
    .slice(0, /^(orchestrator|adapters)\//.test(path) ? 2 : 1)
    .join('/')
}
