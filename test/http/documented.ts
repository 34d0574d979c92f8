import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Exchange } from './service.ts'

type Media = { readonly content?: Readonly<Record<string, { schema?: object }>> }
type Operation = {
  readonly requestBody?: Media
  readonly responses: Readonly<Record<string, Media>>
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

/**
 * Compares what was sent and answered with the OpenAPI document, by a validator that knows nothing
 * of how the document was made. Returns one sentence per difference.
 */
export function undocumented(paths: Paths, exchanges: readonly Exchange[]): string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
  const check = (what: string, schema: object | undefined, value: unknown): string[] => {
    if (schema === undefined) return [`${what}: the document has no schema`]
    return ajv.validate(schema, value) ? [] : [`${what}: ${ajv.errorsText()}`]
  }
  return exchanges.flatMap(({ method, path, sent, status, body }) => {
    const found = operationOf(paths, method, path)
    const what = `${method} ${path} ${status}`
    if (found === undefined) return status === 404 ? [] : [`${what}: not in the document`]
    const media = found.responses[String(status)] ?? found.responses.default
    const type = status < 400 ? 'application/json' : 'application/problem+json'
    const answered = check(what, media?.content?.[type]?.schema, body)
    const schema = found.requestBody?.content?.['application/json']?.schema
    const asked = status < 400 && sent !== undefined ? check(`${what} (sent)`, schema, sent) : []
    return [...answered, ...asked]
  })
}

function operationOf(paths: Paths, method: string, path: string): Operation | undefined {
  const segments = path.replace(/\?.*/, '').split('/')
  const template = Object.keys(paths).find((candidate) => {
    const parts = candidate.split('/')
    return (
      parts.length === segments.length &&
      parts.every((part, i) => part.startsWith('{') || part === segments[i])
    )
  })
  return template === undefined ? undefined : paths[template]?.[method.toLowerCase()]
}
