/**
 * Domain values as JSON text and back, exactly: key order and bigint included. A bigint becomes
 * {"$bigint":"123"}; a key of our own that begins with '$' is written with a second one.
 */
export function encodeDomain(value: unknown): string {
  return JSON.stringify(toTree(value, '$'))
}

/** The value that encodeDomain was given. The caller names the type that it wrote. */
export function decodeDomain<T>(text: string): T {
  return reviveDomain<T>(JSON.parse(text))
}

/** The same where somebody, a driver for example, has parsed the JSON already. */
export function reviveDomain<T>(tree: unknown): T {
  return fromTree(tree) as T
}

const BIGINT_KEY = '$bigint'

/** @throws RangeError for what JSON would silently lose: NaN, Infinity, Date, Map, functions. */
function toTree(value: unknown, path: string): unknown {
  if (typeof value === 'bigint') return { [BIGINT_KEY]: value.toString() }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError(`${path} must be finite, got ${value}`)
    return value
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map((item, index) => toTree(item, `${path}[${index}]`))
  if (typeof value === 'object' && isPlain(value)) {
    const tree = plainObject()
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue // as absent: exactOptionalPropertyTypes
      tree[key.startsWith('$') ? `$${key}` : key] = toTree(item, `${path}.${key}`)
    }
    return tree
  }
  throw new RangeError(`${path} is no plain data: ${Object.prototype.toString.call(value)}`)
}

function fromTree(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(fromTree)
  if (typeof tree !== 'object' || tree === null) return tree
  const marked = (tree as Record<string, unknown>)[BIGINT_KEY]
  if (typeof marked === 'string') return BigInt(marked)
  const value: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(tree)) {
    define(value, key.startsWith('$$') ? key.slice(1) : key, fromTree(item))
  }
  return value
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Without a prototype, so that a key '__proto__' is a key like any other. */
function plainObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>
}

function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  } else {
    target[key] = value
  }
}
