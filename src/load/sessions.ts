import type { ScriptFlow } from '../model/index.ts'

const atOnce = 20

/** Ends what virtual users have left open, so that a target is not burdened longer than the traffic lasts. What fails is left to its time limit. */
export async function endSessions(open: readonly { flow: ScriptFlow; session: string }[], timeout: number): Promise<void> {
  for (let at = 0; at < open.length; at += atOnce)
    await Promise.all(
      open.slice(at, at + atOnce).map(({ flow, session }) =>
        fetch(flow.url, {
          method: 'DELETE',
          headers: { ...flow.headers, ...flow.settled, 'Mcp-Session-Id': session },
          signal: AbortSignal.timeout(timeout),
        }).then(
          (response) => response.body?.cancel(),
          () => undefined,
        ),
      ),
    )
}
