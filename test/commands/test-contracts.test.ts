import { describe, expect, test } from 'vitest'
import { uncoveredLines } from '#commands/test-contracts/coverage.ts'
import { gasDeviations } from '#commands/test-contracts/gas-snapshot.ts'
import { brokenLines } from '#commands/test-contracts/model-check.ts'
import { isSuite, openRunner } from '#commands/test-contracts/solidity-runner.ts'
import { compileSources, parseSources } from '#commands/test-contracts/sources.ts'
import { addSwitches, switchOff } from '#commands/test-contracts/switches.ts'
import { parseTree, testsIn, treeProblems } from '#commands/test-contracts/trees.ts'

const head = '// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\n'
const door = `${head}
// Müller's door: require(false, Shut());
contract Door {
  error Shut(uint256 hour);
  string public constant sign = "require(true);";
  function enter(uint256 hour) external pure returns (uint256) {
    if (hour == 12) require(hour != 12, Shut(hour)); else hour += 1;
    require(hour > 8 && hour < 20, Shut(hour - 1));
    return hour;
  }
}`
const doorTest = `${head}
import {Door} from "./Door.sol";
contract DoorTest {
  Door private door = new Door();
  function enters(uint256 hour) private view returns (bool) {
    try door.enter(hour) { return true; } catch { return false; }
  }
  function test_early() public view { require(!enters(3)); }
  function test_late() public view { require(!enters(21)); }
  function test_noon() public view { require(!enters(12)); }
  function test_open() public view { require(enters(9) && door.enter(9) == 10); }
}`

describe('a check is taken out of compiled code', () => {
  const own = { 'Door.sol': door }
  const { sources, switches } = addSwitches(own, parseSources(own))

  test('comments, strings and the test itself hold none', () => {
    expect(switches.map(({ kind, line, text }) => `${kind} ${line} ${text}`)).toEqual([
      'require 9 require(hour != 12, Shut(hour))',
      'require 10 require(hour > 8 && hour < 20, Shut(hour - 1))',
      'operand 10 hour > 8',
      'operand 10 hour < 20',
    ])
    expect(switches.every(({ error }) => error === 'Shut')).toBe(true)
  })

  test('the tests that guard it fall, and no others; with every check in place none does', async () => {
    const compiled = compileSources({ ...sources, 'Door.t.sol': doorTest })
    const runSuites = await openRunner()
    const fallen = async (contracts: typeof compiled) => {
      const settings = { fuzzRuns: 1, invariantRuns: 1, invariantDepth: 1 }
      const outcomes = await runSuites(contracts, contracts.filter(isSuite), settings)
      expect(outcomes.map(({ passed, failed }) => passed.length + failed.length)).toEqual([4])
      return outcomes
        .flatMap(({ failed }) => failed.map(({ name }) => name.slice(5, -2)))
        .toSorted()
    }
    expect(await fallen(compiled)).toEqual([])
    const each = []
    for (const one of switches) each.push(await fallen(switchOff(compiled, one)))
    expect(each).toEqual([['noon'], ['early', 'late'], ['early'], ['late']])
  })

  test('a require that is no statement of its own is refused', () => {
    const odd = {
      'Odd.sol': `${head}contract C { function f() external pure { true ? require(true) : require(false); } }`,
    }
    expect(() => addSwitches(odd, parseSources(odd))).toThrow('expected every require to be')
  })
})

describe('figures', () => {
  test('a line that no test executes is named; mocks do not count', () => {
    const lcov = [
      'SF:contracts/Pool.sol\nDA:9,1\nDA:15,0\nend_of_record',
      'SF:contracts/mocks/Euro.sol\nDA:3,0\nend_of_record',
      'SF:test/contracts/X.t.sol\nDA:3,0\nend_of_record',
    ].join('\n')
    expect(uncoveredLines(lcov)).toEqual({
      files: 1,
      lines: 2,
      missed: ['contracts/Pool.sol:15'],
    })
  })

  test('gas may move by one per cent either way, and no figure may come or go unseen', () => {
    const kept = { a: 1_000, b: 1_000, c: 1_000, gone: 5 }
    expect(gasDeviations(kept, { a: 1_010, b: 1_011, c: 980, come: 7 })).toEqual([
      'b: 1000 -> 1011 gas (+1.1 %)',
      'c: 1000 -> 980 gas (-2.0 %)',
      'come: 7 gas, not in the snapshot',
      'gone: in the snapshot, measured by no test',
    ])
  })
})

describe('a statement is taken out of a source', () => {
  test('not what is declared or returned, without which nothing compiles', () => {
    const source = [
      'contract Safe {',
      '  uint64 private _money;',
      '  function take(uint64 amount) internal returns (uint64 left) {',
      '    uint64 before = _money;',
      '    require(',
      '      amount <= before',
      '    );',
      '    _money -= amount;',
      '    return _money;',
      '  }',
      '}',
    ]
    const broken = brokenLines(source.join('\n'))
    expect(broken.map(({ line, text }) => `${line} ${text}`)).toEqual([
      '5 require( amount <= before );',
      '8 _money -= amount;',
    ])
    expect(broken.map(({ within }) => within)).toEqual(['take', 'take'])
    expect(broken[0]?.source).toBe(source.toSpliced(4, 3).join('\n'))
  })
})

describe('branch trees', () => {
  const tests = new Map([
    [
      'A.t.sol',
      testsIn('contract ATest is F {\n  function test_one() public {\n  function testFuzz_two('),
    ],
  ])
  const problems = (text: string) => treeProblems([parseTree('a.tree', text)], tests)

  test('each leaf is a test and each test is a leaf', () => {
    const whole =
      'a (A.t.sol)\n├── given x\n│   └── y: Z -> ATest.test_one\n└── v -> ATest.testFuzz_two'
    expect(problems(whole)).toEqual([])
    expect(problems(whole.replace('test_one', 'test_none'))).toEqual([
      'a.tree:3 names ATest.test_none, which does not exist',
      'a.tree: ATest.test_one is no leaf',
    ])
    expect(problems(whole.replace(' -> ATest.testFuzz_two', ''))).toEqual([
      'a.tree:4 names no test',
      'a.tree: ATest.testFuzz_two is no leaf',
    ])
    expect(problems('a\n└── v')[0]).toBe('a.tree: its first line names no test file')
  })
})
