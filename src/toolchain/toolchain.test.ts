import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cacheFolder, find, intoCache, missing, obtain, run, toolNames } from './index.ts'

let root: string
let env: NodeJS.ProcessEnv
let lines: string[]

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'assay-toolchain-'))
  env = { PATH: join(root, 'bin'), HOME: root }
  lines = []
})
afterEach(() => rm(root, { recursive: true }))

const progress = (line: string) => void lines.push(line)

async function file(path: string, text: string, mode = 0o644): Promise<string> {
  const place = join(root, path)
  await mkdir(dirname(place), { recursive: true })
  await writeFile(place, text)
  await chmod(place, mode)
  return place
}

// A fake may use the programs of the machine, though the tools are looked for among the fakes only.
const script = (path: string, body: string) => file(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${body}\n`, 0o755)
const saying = (path: string, text: string) => script(path, `echo '${text}' >&2`)

describe('find', () => {
  test('nothing is here', async () => {
    for (const tool of toolNames) expect(await find(tool, { env })).toBeUndefined()
  })

  test('a variable comes before PATH', async () => {
    await saying('bin/k6', 'k6 v1.2.3')
    env.K6_BIN = await saying('own/k6', 'k6 v9.9.9')
    expect(await find('k6', { env })).toEqual({ tool: 'k6', path: env.K6_BIN, version: '9.9.9', how: 'variable' })
    delete env.K6_BIN
    expect(await find('k6', { env })).toMatchObject({ version: '1.2.3', how: 'path' })
  })

  test('a variable that names nothing is an error, not a reason to take another', async () => {
    await saying('bin/k6', 'k6 v1.2.3')
    env.K6_BIN = join(root, 'gone')
    await expect(find('k6', { env })).rejects.toMatchObject({
      code: 'E_TOOL_MISSING',
      got: expect.stringContaining('gone'),
      try: 'correct K6_BIN, or unset it',
    })
  })

  test('an old or speechless program will not do', async () => {
    await saying('bin/java', 'openjdk version "11.0.2"')
    expect(await find('java', { env })).toBeUndefined()
    await script('bin/java', 'exit 1')
    expect(await find('java', { env })).toBeUndefined()
    env.JAVA_HOME = join(root, 'jdk')
    await saying('jdk/bin/java', 'openjdk version "21.0.1"')
    expect(await find('java', { env })).toMatchObject({ version: '21.0.1', how: 'variable' })
  })

  test('the names of a program are tried in turn', async () => {
    await saying('bin/google-chrome', 'Google Chrome 140.0.1')
    expect(await find('chromium', { env })).toMatchObject({ path: join(root, 'bin', 'google-chrome'), version: '140.0.1' })
  })

  test('the version that is asked for, and no other', async () => {
    await file('home/version.txt', 'Keycloak - Version 26.4.0\n')
    env.KEYCLOAK_HOME = join(root, 'home')
    expect(await find('keycloak', { env })).toMatchObject({ version: '26.4.0' })
    await expect(find('keycloak', { env, version: '26.7.0' })).rejects.toThrow('no usable keycloak')
  })
})

describe('obtain', () => {
  test('takes what is here without installing', async () => {
    await saying('bin/openssl', 'OpenSSL 3.0.16')
    expect(await obtain('openssl', { env, progress })).toMatchObject({ how: 'path' })
    expect(lines).toEqual([])
  })

  test('builds with Go into the cache, once', async () => {
    await script('bin/go', `echo "$@" >> ${root}/asked; echo program > "$GOBIN/server"`)
    const installed = await obtain('toxiproxy', { env, progress })
    expect(installed).toMatchObject({ version: '2.12.0', how: 'installed' })
    expect(await readFile(installed.path, 'utf8')).toBe('program\n')
    expect(await obtain('toxiproxy', { env, progress })).toEqual({ ...installed, how: 'cache' })
    expect(await readFile(join(root, 'asked'), 'utf8')).toBe('install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0\n')
    expect(lines).toEqual(['building toxiproxy 2.12.0 with Go', `toxiproxy 2.12.0 is at ${installed.path}`])
  })

  test('unpacks what Maven brings, without the folder around it', async () => {
    await script('bin/mvn', `for last; do :; done; echo zip > "$(echo "$last" | cut -d= -f2)/dist.zip"`)
    await script('bin/unzip', 'mkdir keycloak-26.4.0; echo "Version 26.4.0" > keycloak-26.4.0/version.txt')
    const { path } = await obtain('keycloak', { env, progress, version: '26.4.0' })
    expect(await readdir(path)).toEqual(['version.txt'])
    expect(await find('keycloak', { env, version: '26.4.0' })).toMatchObject({ path, how: 'cache' })
    expect(await find('keycloak', { env, version: '26.7.0' })).toBeUndefined()
  })

  test('takes a program out of a package of the system, and asks it for its version', async () => {
    await script('bin/apt-get', `echo "$@" >> ${root}/asked; echo package > prometheus_2.deb`)
    await script(
      'bin/dpkg-deb',
      `mkdir -p usr/bin; printf '#!/bin/sh\\necho promtool, version 2.42.0' > usr/bin/promtool; chmod +x usr/bin/promtool`,
    )
    const installed = await obtain('promtool', { env, progress })
    expect(installed).toMatchObject({ version: '2.42.0', how: 'installed' })
    expect(await find('promtool', { env })).toEqual({ ...installed, how: 'cache' })
    expect(await readFile(join(root, 'asked'), 'utf8')).toBe('-q download prometheus\n')
    expect(await readdir(join(cacheFolder(env), 'promtool-of-the-system'))).toEqual(['usr'])
  })

  test('a failed attempt leaves nothing, and says what was tried and how to go on', async () => {
    await script('bin/go', 'echo half > "$GOBIN/k6"; echo "no network" >&2; exit 1')
    await expect(obtain('k6', { env, progress })).rejects.toMatchObject({
      code: 'E_TOOL_MISSING',
      got: expect.stringMatching(/K6_BIN is not set; no k6 on PATH; no k6-1.8.1 in the cache; go: ended with 1: no network/),
      try: 'install it by hand, then set K6_BIN or put k6 on PATH',
    })
    expect(await readdir(cacheFolder(env))).toEqual([])
  })

  test('is limited in time', async () => {
    await script('bin/go', 'sleep 30')
    await expect(obtain('k6', { env, progress, timeoutMs: 200 })).rejects.toMatchObject({
      got: expect.stringContaining('took longer than'),
    })
  })

  test('is interrupted', async () => {
    await script('bin/go', 'sleep 30')
    const interruption = new AbortController()
    setTimeout(() => interruption.abort(), 100)
    await expect(obtain('k6', { env, progress, signal: interruption.signal })).rejects.toThrow('abort')
  })

  test('two at once end with one installation', async () => {
    await script('bin/go', 'sleep 0.2; echo program > "$GOBIN/k6"')
    const [one, other] = await Promise.all([obtain('k6', { env, progress }), obtain('k6', { env, progress })])
    expect(one.path).toBe(other.path)
    expect(await readdir(cacheFolder(env))).toEqual(['k6-1.8.1'])
  })
})

describe('the cache', () => {
  test.each([
    [{ ASSAY_CACHE: '/a', XDG_CACHE_HOME: '/x', HOME: '/h' }, '/a'],
    [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/assay'],
    [{ HOME: '/h' }, '/h/.cache/assay'],
  ])('%j', (variables, folder) => expect(cacheFolder(variables)).toBe(folder))

  test('drafts that were abandoned are removed, and no others', async () => {
    const [old, young] = [join(cacheFolder(env), '.draft-old'), join(cacheFolder(env), '.draft-young')]
    await mkdir(old, { recursive: true })
    await mkdir(young)
    await utimes(old, new Date(0), new Date(0))
    await intoCache('thing', env, async () => undefined)
    expect((await readdir(cacheFolder(env))).sort()).toEqual(['.draft-young', 'thing'])
  })
})

test('a program that fails is quoted', async () => {
  const failing = await script('bin/failing', 'echo why >&2; exit 3')
  await expect(run(failing, [], { env, timeoutMs: 5_000 })).rejects.toThrow('ended with 3: why')
  await expect(run(join(root, 'gone'), [], { env, timeoutMs: 5_000 })).rejects.toThrow('ENOENT')
})

test('what is missing says how to get it', () => {
  expect(missing('keycloak')).toBe('keycloak is not here: set KEYCLOAK_HOME, or obtain it with: assay doctor --fix')
})
