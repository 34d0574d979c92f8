import { mountPage } from '../shared/page-frame.tsx'
import { DsoPage } from './dso-page.tsx'
import { openDsoModel } from './model.ts'

mountPage({
  role: 'dso',
  title: 'Grid operator',
  probe: (client) => client.v1.programs.$get(),
  open: openDsoModel,
  View: DsoPage,
})
