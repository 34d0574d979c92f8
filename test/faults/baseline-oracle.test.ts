import { agreementTests } from '../domain/baseline/oracle/agreement.ts'

agreementTests(1_000)
