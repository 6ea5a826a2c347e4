import completion from './completion.ts'
import prompts from './prompts.ts'

export default [prompts, completion]
