import { fileURLToPath } from 'node:url'
import { packageRoot } from '../place.ts'

export const packageFile = (): string => fileURLToPath(new URL('package.json', packageRoot))
