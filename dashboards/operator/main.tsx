import { mountPage } from '../shared/page-frame.tsx'
import { openOperatorModel } from './model.ts'
import { OperatorPage } from './operator-page.tsx'

mountPage({
  role: 'operator',
  title: 'Operator',
  probe: (client) => client.v1.operator.money.$get(),
  open: openOperatorModel,
  View: OperatorPage,
})
