/**
 * Writes the stubs of a new check: `npm run new:check transport/some-noun`. They compile and fail usefully, and say what is
 * left to be filled in.
 */
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const id = process.argv[2] ?? ''
const [area, name] = id.split('/') as [string, string?]
if (!/^[a-z0-9-]+\/[a-z0-9-]+$/.test(id)) stop(`"${id}" is no id: give area/noun-in-kebab-case, for instance transport/session-end`)

const suite = (await exists(join('suites/security', area))) ? 'security' : 'conformance'
const folder = join('suites', suite, area)
if (!(await exists(folder))) stop(`there is no area ${folder}: the areas are the folders of suites/conformance and suites/security`)
const file = join(folder, `${name}.ts`)
if (await exists(file)) stop(`${file} is there already`)

await writeFile(file, section())
const index = join(folder, 'index.ts')
const binding = name!.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
const listed = await readFile(index, 'utf8')
await writeFile(index, listed.replace(/export default \[/, `import ${binding} from './${name}.ts'\n\nexport default [${binding}, `))

const bad = join('fixtures/defects', `${area}.ts`)
console.log(`wrote ${file}, and listed it in ${index}

Next:
  1. Fill in ${file}: the section of the source, the probe, the judgement.
  2. Add a defect to ${bad} that breaks '${id}'.
  3. npx biome check --write ${folder} && npx tsc --noEmit
  4. npm run prove -- --area ${area}      the reference passes, the defect fails
  5. npm run docs                          the catalogue, the coverage and the kill matrix`)

function section(): string {
  return `import { check, hasResult, probe, section } from '../../../src/model/index.ts'

const answer = probe('${name!.replaceAll('-', ' ')}', async ({ session }) => {
  const connection = await session()
  return { answer: await connection.send('ping') }
})

export default section({ spec: 'mcp', page: 'basic/page#heading', revisions: 'all' }, [
  check('${id}', {
    title: 'What a good target does',
    must: 'say here what the clause requires, in our own words',
    needs: { answer },
    judge: ({ answer: { answer } }) => hasResult(answer),
    fix: 'Say here what to do, in one sentence.',
    covers: [],
  }),
])
`
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function stop(message: string): never {
  console.error(message)
  process.exit(2)
}
