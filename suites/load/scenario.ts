/** What traffic needs: something that sends it, and one revision of each era to be sent at. */
export const traffic = ['load', 'newest of its era'] as const

/** Calls that come back with what they were given. */
export const echoed = [...traffic, 'echo tool'] as const

/** Traffic that is seen from behind the target as well, by the server of the harness. */
export const fromBehind = [...traffic, 'scripted upstream'] as const

/** How a probe sends it: it needs the machine to itself, and burdens the target. */
export const sending = { over: 'http', alone: 'on this machine', disruptive: true, deadline: 60_000 } as const

/** What the sections of docs/load.md have in common; each is a page. */
export const ofLoad = { spec: 'load', revisions: '2025-03-26..', over: 'http' } as const
