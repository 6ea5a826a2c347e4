import type { Browser } from 'playwright-core'
import { type AssayError, coded } from '../messages/index.ts'
import { find, remedy } from '../toolchain/index.ts'

const patience = 60_000

// What a run of checks must not depend on: a graphics card, a protocol that proxies in between cannot see, and the prompt by
// which a page asks to reach addresses of this machine.
const flags = ['--disable-gpu', '--disable-quic', '--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights']

/** Starts a headless Chromium that is on this machine; a coded error says what is missing otherwise. */
export async function launchChromium(env: NodeJS.ProcessEnv = process.env): Promise<Browser> {
  const [{ chromium }, found] = await Promise.all([import('playwright-core').catch(notInstalled), find('chromium', { env })])
  if (!found) throw lacking('chromium', remedy('chromium'))
  // The sandbox of Chromium refuses to work for root.
  const chromiumSandbox = process.getuid?.() !== 0
  return chromium.launch({ executablePath: found.path, headless: true, chromiumSandbox, timeout: patience, args: flags })
}

function notInstalled(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  throw lacking('playwright-core', 'npm install --save-dev playwright-core')
}

const lacking = (tool: string, how: string): AssayError => coded('E_TOOL_MISSING', { tool, how }, { sent: `looked for ${tool}` })
