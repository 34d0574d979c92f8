import type { Hex } from '#domain/ids.ts'
import type { Anvil } from './anvil.ts'

/** Where the token's own code lies while another one stands before it. */
const BEHIND: Hex = `0x${'e'.repeat(40)}`

/** The token refuses whatever is about one account, and does the rest as before. Returns its end. */
export async function freezeAccount(
  chain: Pick<Anvil, 'ask'>,
  token: Hex,
  account: Hex,
): Promise<() => Promise<void>> {
  const code = await chain.ask('eth_getCode', token, 'latest')
  await chain.ask('anvil_setCode', BEHIND, code)
  await chain.ask('anvil_setCode', token, freezing(account, BEHIND))
  return async () => {
    await chain.ask('anvil_setCode', token, code)
  }
}

function freezing(frozen: Hex, behind: Hex): Hex {
  const isHe = `73${frozen.slice(2)}6004351460525736600060003760006000366000`
  const pass = `73${behind.slice(2)}5af43d600060003e604d573d6000fd5b3d6000f35b60006000fd`
  return `0x${isHe}${pass}`
}
