import { mountPage } from '../shared/page-frame.tsx'
import { openOwnerModel } from './model.ts'
import { OwnerPage } from './owner-page.tsx'

mountPage({
  role: 'owner',
  title: 'Device owner',
  probe: (client) => client.v1.owner.resources.$get(),
  open: openOwnerModel,
  View: OwnerPage,
})
