import { LifeboatError } from '../../core/errors.ts'
import { factsOf, jsonRequest, type NotifyFormat, summaryOf } from './notification.ts'

/** Our own JSON, as docs/schedule.md describes it. */
const webhook: NotifyFormat = (notification, { url }) => jsonRequest(parse(url), factsOf(notification))

/** Slack's incoming webhooks, which Mattermost, Rocket.Chat and Discord (`…/slack`) take too. */
const slack: NotifyFormat = (notification, { url }) => {
  // "Escape these three characters": Slack, Formatting text for app surfaces.
  const text = summaryOf(notification).replace(
    /[&<>]/g,
    (letter) => ({ '&': '&amp;', '<': '&lt;' })[letter] ?? '&gt;',
  )
  return jsonRequest(parse(url), { text })
}

const PAGERDUTY = 'https://events.pagerduty.com/v2/enqueue'

/** PagerDuty, Events API v2: a failure opens the incident of the job, the next success closes it. */
const pagerduty: NotifyFormat = (notification, { url, key }) => {
  const { stage, verb, job, host, at } = notification
  if (stage === 'start') return undefined
  // A dump that goes well says nothing of a drill that failed.
  const head = { routing_key: key, dedup_key: `lifeboat/${job}${verb === 'dump' ? '' : `/${verb}`}` }
  if (stage === 'success') return jsonRequest(parse(url ?? PAGERDUTY), { ...head, event_action: 'resolve' })
  return jsonRequest(parse(url ?? PAGERDUTY), {
    ...head,
    event_action: 'trigger',
    payload: {
      summary: summaryOf(notification),
      source: host,
      severity: 'critical',
      timestamp: at.toISOString(),
      component: 'lifeboat',
      group: job,
      custom_details: factsOf(notification),
    },
  })
}

/** healthchecks.io, Pinging API: `/start`, and `/<exit-status>`, where 0 is a success. */
const healthchecks: NotifyFormat = (notification, { url }) => {
  const ping = parse(url)
  const last = notification.stage === 'start' ? 'start' : String(notification.outcome.exitCode)
  ping.pathname = `${ping.pathname.replace(/\/+$/, '')}/${last}`
  return { url: ping, headers: { 'content-type': 'text/plain' }, body: summaryOf(notification) }
}

export const FORMATS = { webhook, slack, pagerduty, healthchecks } as const

/** The address is a secret: whoever has it can write there. No message repeats it. */
function parse(text = ''): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url
  throw new LifeboatError('config', 'its address is no http:// or https:// URL')
}
