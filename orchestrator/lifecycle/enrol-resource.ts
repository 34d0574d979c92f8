import { sha256Hex, stationPassword } from '#domain/api-key.ts'
import {
  checkEndpoint,
  checkHost,
  checkIdentity,
  checkMeter,
  checkOffer,
  checkPort,
  checkObject,
  checkProduct,
  checkRating,
  checkThumbprint,
  checkUnitId,
  idFromBytes,
} from '#domain/enrolment.ts'
import { fieldError } from '#domain/errors.ts'
import { type OrganisationId, type ResourceId, resourceId, type SiteId } from '#domain/ids.ts'
import type { Connection, Rating, Resource, ResourceKind, StandingOffer } from '#domain/resource.ts'
import type { MeterKey } from '#domain/signed-meter/meter-key.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

type OpcuaConnection = Extract<Connection, { protocol: 'opcua' }>

/** How the device will be reached: what the installer knows before it is enrolled. */
export type NewConnection =
  | {
      readonly protocol: 'ocpp'
      readonly identity?: string | undefined
      readonly connectorId?: number | undefined
    }
  | {
      readonly protocol: 'modbus'
      readonly host: string
      readonly port?: number | undefined
      readonly unitId?: number | undefined
    }
  | {
      readonly protocol: 'opcua'
      readonly endpoint: string
      readonly thumbprint: string | null
      readonly product?: string | undefined
      readonly object?: string | undefined
      readonly user?: OpcuaConnection['user'] | undefined
    }
  | { readonly protocol: 'simulated'; readonly address: string }

/** Registered for Modbus TCP. */
const MODBUS_PORT = 502

export type NewResource = {
  readonly id?: ResourceId | undefined
  readonly kind: ResourceKind
  readonly siteId: SiteId
  readonly rating: Rating
  readonly offer: StandingOffer
  readonly connection: NewConnection
  /** Of a meter that signs its registers. */
  readonly meter?: MeterKey | null | undefined
}

/**
 * Enrols a device at one of the aggregator's sites. For OCPP the answer holds the station's
 * password, which is shown this once and kept as SHA-256 only. @throws DomainError
 */
export async function enrolResource(
  ports: Ports,
  aggregatorId: OrganisationId,
  input: NewResource,
): Promise<{ resource: Resource; password: string | null }> {
  const { kind, siteId } = input
  const rating = checkRating(kind, input.rating)
  const offer = checkOffer(input.offer)
  const meter = input.meter == null ? null : checkMeter(input.meter)
  const id = input.id ?? resourceId(idFromBytes('resource', ports.random.bytes(8)))
  const { connection, password } = newConnection(ports, id, input.connection)
  const enrolledAt = ports.clock.now()
  const resource = await ports.store.transaction(async (tx) => {
    const site = await tx.resources.site(siteId)
    if (site?.aggregatorId !== aggregatorId) {
      throw fieldError('not-found', 'siteId', 'the id of one of your sites', siteId)
    }
    if ((await tx.resources.find(id)) !== null) {
      throw fieldError('duplicate', 'id', 'an id that is not taken', id)
    }
    await refuseTaken(tx, connection, meter)
    const { ownerId, congestionPointId } = site
    const place = { siteId, ownerId, aggregatorId, congestionPointId }
    const what = { rating, offer, connection, meter, enrolledAt }
    const enrolled: Resource = { id, kind, ...place, ...what }
    await tx.resources.save(enrolled)
    await tx.events.append([
      {
        kind: 'resource-enrolled',
        at: enrolledAt,
        callId: null,
        resourceId: id,
        organisationIds: [aggregatorId],
        ownerId,
        notice: false,
        message: `A ${kind} was enrolled; it speaks ${connection.protocol}.`,
        data: { kind, protocol: connection.protocol },
      },
    ])
    return enrolled
  })
  await ports.wakeUps.notify('resources')
  await ports.wakeUps.notify('events')
  return { resource, password }
}

function newConnection(
  ports: Ports,
  id: ResourceId,
  wanted: NewConnection,
): { connection: Connection; password: string | null } {
  if (wanted.protocol === 'simulated') return { connection: wanted, password: null }
  if (wanted.protocol === 'opcua') {
    const endpoint = checkEndpoint('connection.endpoint', wanted.endpoint)
    const { thumbprint: given, product, object, user } = wanted
    const thumbprint = given === null ? null : checkThumbprint('connection.thumbprint', given)
    const connection: Connection = {
      protocol: 'opcua',
      endpoint,
      thumbprint,
      ...(product === undefined ? {} : { product: checkProduct('connection.product', product) }),
      ...(object === undefined ? {} : { object: checkObject('connection.object', object) }),
      ...(user === undefined ? {} : { user }),
    }
    return { connection, password: null }
  }
  if (wanted.protocol === 'modbus') {
    const host = checkHost('connection.host', wanted.host)
    const port = checkPort('connection.port', wanted.port ?? MODBUS_PORT)
    const unitId = checkUnitId('connection.unitId', wanted.unitId ?? 1)
    return { connection: { protocol: 'modbus', host, port, unitId }, password: null }
  }
  const connectorId = wanted.connectorId ?? 1
  if (!Number.isInteger(connectorId) || connectorId < 1 || connectorId > 99) {
    const expected = 'a connector from 1 to 99'
    throw fieldError('malformed', 'connection.connectorId', expected, connectorId)
  }
  const fallback = id.replaceAll(':', '.').slice(0, 48)
  const identity = checkIdentity('connection.identity', wanted.identity ?? fallback)
  const password = stationPassword(ports.random.bytes(20))
  const passwordSha256 = sha256Hex(password)
  return { connection: { protocol: 'ocpp', identity, passwordSha256, connectorId }, password }
}

/** One device, one resource: the same address must not be steered from two sides. */
async function refuseTaken(
  tx: StoreTransaction,
  connection: Connection,
  meter: MeterKey | null,
): Promise<void> {
  const others = await tx.resources.list()
  // One meter key, one device: two devices on one meter would be paid twice for the same energy.
  if (meter && others.some((other) => other.meter?.publicKey === meter.publicKey)) {
    const expected = 'the key of a meter that no other resource is measured by'
    throw fieldError('duplicate', 'meter.publicKey', expected, meter.publicKey)
  }
  if (!others.some((other) => isSameDevice(other.connection, connection))) return
  if (connection.protocol === 'ocpp') {
    const expected = 'a station that is not enrolled'
    throw fieldError('duplicate', 'connection.identity', expected, connection.identity)
  }
  const expected = 'a device that is not enrolled'
  switch (connection.protocol) {
    case 'opcua': {
      const field = connection.object === undefined ? 'endpoint' : 'object'
      throw fieldError('duplicate', `connection.${field}`, expected, connection[field])
    }
    case 'modbus':
      throw fieldError('duplicate', 'connection.host', expected, addressOf(connection))
    case 'simulated':
      throw fieldError('duplicate', 'connection.address', expected, connection.address)
  }
}

/** Where one of two batteries on a server has no name, nobody knows that it is another one. */
function isSameDevice(one: Connection, other: Connection): boolean {
  if (addressOf(one) !== addressOf(other)) return false
  if (one.protocol !== 'opcua' || other.protocol !== 'opcua') return true
  return (one.object ?? other.object) === (other.object ?? one.object)
}

function addressOf(connection: Connection): string {
  switch (connection.protocol) {
    case 'ocpp':
      return `ocpp ${connection.identity}`
    case 'opcua':
      return `opcua ${connection.endpoint}`
    case 'modbus':
      return `modbus ${connection.host} ${connection.port} unit ${connection.unitId}`
    case 'simulated':
      return `simulated ${connection.address}`
  }
}
