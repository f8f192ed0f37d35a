/** The text as a regular expression that matches just it. */
export const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
