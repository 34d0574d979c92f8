import { createWallTimer } from '#processes/wall-time.ts'

/** Real wall time, for tests that talk to real processes. */
export const wallTimer = createWallTimer()
