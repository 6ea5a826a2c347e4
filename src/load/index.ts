export { k6Generator } from './k6.ts'
