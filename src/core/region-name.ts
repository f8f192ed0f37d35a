import { LifeboatError } from './errors.ts'

/** `eu-central-1`, `us-gov-west-1`. */
const REGION = /^[a-z]{2,}(-[a-z]+)+-\d$/

export function checkRegionName(text: string, flag: string): string {
  if (REGION.test(text)) return text
  throw new LifeboatError('usage', `unable to start: '${text}' is no name of a region`, {
    hint: `Write ${flag} like eu-central-1.`,
  })
}
