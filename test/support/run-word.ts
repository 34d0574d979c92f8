import { vi } from 'vitest'

/**
 * Runs one word of the command line within this process, which is much faster than another one:
 * what it prints and its exit code. @throws what the command throws, which the command line prints
 */
export async function runWord(
  run: (args: string[]) => Promise<number>,
  args: string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly stdout: string }> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  let stdout = ''
  const heard = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text)
    return true
  })
  try {
    const code = await run(args)
    return { code, stdout }
  } finally {
    heard.mockRestore()
    vi.unstubAllEnvs()
  }
}
