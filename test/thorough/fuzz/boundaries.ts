import { backfillRequests } from './backfill-request.ts'
import { batches, batchesWithFaults, recordsInPieces } from './batch.ts'
import type { Boundary } from './boundary.ts'
import { capturedDeliveries, captures } from './capture.ts'
import { commandLines } from './command-line.ts'
import { environments } from './config.ts'
import { declarations } from './declaration.ts'
import { emulatedBoxCalls } from './emulated-box.ts'
import { eventBodies } from './event.ts'
import { gatewayEvents, routedPaths } from './gateway-event.ts'
import { gatewayRoundTrips } from './local-gateway.ts'
import { pageRequests } from './page.ts'
import { queueMessages } from './queue-message.ts'
import { ledgerItems } from './record.ts'
import { redactedPayloads } from './redacted-payload.ts'
import { boxAnswers, retryDecisions, thrownValues } from './retry.ts'
import { boxAppSecrets, signatureKeySecrets } from './secrets.ts'
import { signedDeliveries } from './signed-delivery.ts'
import { streamPages } from './stream-page.ts'
import { timestamps } from './timestamp.ts'
import { v1Callbacks } from './v1-callback.ts'
import { webhookRequests } from './webhook-request.ts'

/** Every boundary there is. */
export const BOUNDARIES: readonly Boundary[] = [
  gatewayEvents,
  routedPaths,
  signedDeliveries,
  timestamps,
  signatureKeySecrets,
  boxAppSecrets,
  queueMessages,
  batches,
  batchesWithFaults,
  recordsInPieces,
  eventBodies,
  ledgerItems,
  retryDecisions,
  boxAnswers,
  thrownValues,
  environments,
  declarations,
  commandLines,
  gatewayRoundTrips,
  emulatedBoxCalls,
  pageRequests,
  webhookRequests,
  backfillRequests,
  streamPages,
  v1Callbacks,
  captures,
  capturedDeliveries,
  redactedPayloads,
]
