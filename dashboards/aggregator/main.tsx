import { mountPage } from '../shared/page-frame.tsx'
import { AggregatorPage } from './aggregator-page.tsx'
import { openAggregatorModel } from './model.ts'

mountPage({
  role: 'aggregator',
  title: 'Aggregator',
  probe: (client) => client.v1.aggregator.resources.$get(),
  open: openAggregatorModel,
  View: AggregatorPage,
})
