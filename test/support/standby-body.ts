/** A payment policy as it is sent: 0.02 EUR for each kWh that stands by, and the offered price. */
export const STAND_BY = {
  name: 'stand-by',
  version: 1,
  status: 'published',
  source: "the program's own",
  over: 'window',
  price: { kind: 'offered' },
  curve: [
    { deliveredBp: 0, payBp: 10_000 },
    { deliveredBp: 10_000, payBp: 10_000 },
  ],
  capBp: 10_000,
  floorBp: 0,
  penalty: { kind: 'none' },
  availability: { kind: 'per-kwh-ordered', minorPerKwh: '20000', scaledByDelivery: true },
  deadBand: { bp: 0, pays: 'all' },
  carry: 'none',
  provisionalShareBp: 10_000,
  trueUpSeconds: 0,
}
