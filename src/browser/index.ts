export { launchChromium } from './launch.ts'
export { kindOf, type PageKind, type Person } from './pages.ts'
export { type Arrival, type Step, walk } from './walk.ts'
