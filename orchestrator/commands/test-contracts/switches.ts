import { createHash } from 'node:crypto'
import type { CompiledContract, Sources, SyntaxNode } from './sources.ts'

/** A check that can be switched off in compiled code. */
export type Switch = {
  readonly unit: string
  readonly line: number
  /** The check as it stands in the source, on one line. */
  readonly text: string
  /** Error it reverts with, `''` where it names none. */
  readonly error: string
  /** A whole `require`, or one operand of the `&&` in its condition. */
  readonly kind: 'require' | 'operand'
  /** 32 bytes of hex that stand in the compiled code wherever the check is. */
  readonly mark: string
}

type Edit = { readonly at: number; readonly text: string; readonly isEnd: boolean }

/**
 * Puts a switch before every `require(…);` and before each operand of a condition. Switched off,
 * the statement is not executed at all, as if its line were deleted. So one compilation serves for
 * every deletion: the switch is a constant in the code that `switchOff` overwrites.
 */
export function addSwitches(
  sources: Sources,
  trees: Readonly<Record<string, SyntaxNode>>,
): { readonly sources: Sources; readonly switches: readonly Switch[] } {
  const switches: Switch[] = []
  const changed = Object.entries(sources).map(([unit, content]) => {
    const tree = trees[unit]
    if (tree === undefined) return [unit, content] as const
    const bytes = Buffer.from(content)
    const edits: Edit[] = []
    const added: string[] = []
    const add = (kind: Switch['kind'], node: SyntaxNode, error: string) => {
      const { start, end } = placeOf(node)
      const text = bytes.subarray(start, end).toString().replaceAll(/\s+/g, ' ')
      const line = bytes.subarray(0, start).toString().split('\n').length
      const mark = markOf(`${kind} ${unit} ${start}`)
      switches.push({ unit, line, text, error, kind, mark })
      added.push(switchSource(mark))
      return { start, end, name: switchName(mark) }
    }
    for (const statement of requireStatements(tree)) {
      const call = statement['expression'] as SyntaxNode
      const [condition, reason] = call['arguments'] as SyntaxNode[]
      const error = errorName(reason)
      const { start, end, name } = add('require', statement, error)
      const semicolon = bytes.indexOf(';', end)
      edits.push({ at: start, text: `{ if (${name}()) `, isEnd: false })
      edits.push({ at: semicolon + 1, text: ' }', isEnd: true })
      const operands = operandsOf(condition)
      for (const operand of operands.length > 1 ? operands : []) {
        const inner = add('operand', operand, error)
        edits.push({ at: inner.start, text: `(!${inner.name}() || (`, isEnd: false })
        edits.push({ at: inner.end, text: '))', isEnd: true })
      }
    }
    return [unit, `${applyEdits(bytes, edits)}\n${added.join('\n')}\n`] as const
  })
  return { sources: Object.fromEntries(changed), switches }
}

/** The same code with one check switched off. */
export function switchOff(
  contracts: readonly CompiledContract[],
  { mark }: Switch,
): CompiledContract[] {
  const off = '0'.repeat(mark.length)
  return contracts.map((contract) => ({
    ...contract,
    bytecode: contract.bytecode.replaceAll(mark, off),
    deployedBytecode: contract.deployedBytecode.replaceAll(mark, off),
  }))
}

/** Without a leading zero byte, which the compiler would leave out. */
function markOf(what: string): string {
  return `a5${createHash('sha256').update(what).digest('hex').slice(2)}`
}

const switchName = (mark: string) => `isOn_${mark.slice(0, 16)}`

/**
 * Nothing is ever sent at that offset of the call data, so the operand is 0; but the optimiser
 * cannot know, and must leave the constant where it is.
 */
function switchSource(mark: string): string {
  const nowhere = `0x${'f'.repeat(15)}`
  return [
    `function ${switchName(mark)}() pure returns (bool on) {`,
    `  assembly { on := iszero(iszero(xor(0x${mark}, calldataload(${nowhere})))) }`,
    '}',
  ].join('\n')
}

/** Every `require(…)` that is a statement; one that is anything else cannot be deleted. */
function requireStatements(tree: SyntaxNode): SyntaxNode[] {
  const calls = nodesOf(tree).filter((node) => isRequire(node))
  const statements = nodesOf(tree).filter(
    (node) =>
      node.nodeType === 'ExpressionStatement' && isRequire(node['expression'] as SyntaxNode),
  )
  if (calls.length !== statements.length) {
    throw new Error(
      `expected every require to be a statement, found one at ${tree.src} that is not`,
    )
  }
  return statements
}

function isRequire(node: SyntaxNode): boolean {
  const callee = node['expression'] as SyntaxNode | undefined
  return (
    node.nodeType === 'FunctionCall' &&
    callee?.nodeType === 'Identifier' &&
    callee['name'] === 'require'
  )
}

function errorName(reason: SyntaxNode | undefined): string {
  const callee = reason?.['expression'] as SyntaxNode | undefined
  const name = callee?.['name'] ?? callee?.['memberName']
  return typeof name === 'string' ? name : ''
}

/** `a && b && c` → a, b, c. */
function operandsOf(condition: SyntaxNode | undefined): SyntaxNode[] {
  if (condition === undefined) return []
  if (condition.nodeType === 'TupleExpression') {
    return operandsOf((condition['components'] as SyntaxNode[])[0])
  }
  if (condition.nodeType !== 'BinaryOperation' || condition['operator'] !== '&&') {
    return [condition]
  }
  return [
    ...operandsOf(condition['leftExpression'] as SyntaxNode),
    ...operandsOf(condition['rightExpression'] as SyntaxNode),
  ]
}

function nodesOf(value: unknown): SyntaxNode[] {
  if (typeof value !== 'object' || value === null) return []
  const children = Object.values(value).flatMap((child) => nodesOf(child))
  return 'nodeType' in value ? [value as SyntaxNode, ...children] : children
}

function placeOf({ src }: SyntaxNode): { start: number; end: number } {
  const [start = Number.NaN, length = Number.NaN] = src.split(':').map(Number)
  return { start, end: start + length }
}

/** From the last to the first; what ends at a place comes before what begins there. */
function applyEdits(bytes: Buffer, edits: readonly Edit[]): string {
  let rest = bytes
  const inOrder = edits.toSorted((a, b) => b.at - a.at || Number(a.isEnd) - Number(b.isEnd))
  for (const { at, text } of inOrder) {
    rest = Buffer.concat([rest.subarray(0, at), Buffer.from(text), rest.subarray(at)])
  }
  return rest.toString()
}
