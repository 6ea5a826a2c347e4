/** The parts of frames that can be validated by name. A revision that does not define one has nothing to say of it. */
export const definitionNames = [
  'Annotations',
  'AudioContent',
  'BlobResourceContents',
  'ContentBlock',
  'EmbeddedResource',
  'Icon',
  'ImageContent',
  'Implementation',
  'Prompt',
  'PromptArgument',
  'PromptMessage',
  'Resource',
  'ResourceLink',
  'ResourceTemplate',
  'ServerCapabilities',
  'Task',
  'TextContent',
  'TextResourceContents',
  'Tool',
  'ToolAnnotations',
] as const

export type DefinitionName = (typeof definitionNames)[number]
