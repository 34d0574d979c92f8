// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {TestEuro} from "../../../contracts/mocks/TestEuro.sol";

/// @notice A euro whose issuer can freeze an address, as EURC and USDC can.
contract BlocklistEuro is TestEuro {
  mapping(address account => bool) public frozen;

  error Frozen(address account);

  constructor(address initialOwner) TestEuro(initialOwner) {}

  function freeze(address account, bool on) external {
    frozen[account] = on;
  }

  function _update(address from, address to, uint256 value) internal override {
    require(!frozen[from], Frozen(from));
    require(!frozen[to], Frozen(to));
    super._update(from, to, value);
  }
}

/// @notice Six decimals, minted by anyone.
contract PlainToken is ERC20 {
  constructor() ERC20("Plain", "PLN") {}

  function mint(address account, uint256 amount) external {
    _mint(account, amount);
  }

  function decimals() public pure virtual override returns (uint8) {
    return 6;
  }
}

contract EighteenDecimals is PlainToken {
  function decimals() public pure override returns (uint8) {
    return 18;
  }
}

/// @notice Keeps one unit of each transfer for itself.
contract FeeToken is PlainToken {
  bool private charges = true;

  function charge(bool on) external {
    charges = on;
  }

  function _update(address from, address to, uint256 value) internal override {
    super._update(from, to, value);
    if (charges && from != address(0) && to != address(this)) super._update(to, address(this), 1);
  }
}

/// @notice Credits one unit more than was sent.
contract GenerousToken is PlainToken {
  function _update(address from, address to, uint256 value) internal override {
    super._update(from, to, value);
    if (from != address(0) && to != address(0)) super._update(address(0), to, 1);
  }
}

/// @notice Says false instead of reverting, for every transfer or only to one account.
contract FalseToken is PlainToken {
  bool public refuseAll;
  address public refused;

  function refuse(bool all, address account) external {
    refuseAll = all;
    refused = account;
  }

  function transfer(address to, uint256 value) public override returns (bool) {
    if (refuseAll || to == refused) return false;
    return super.transfer(to, value);
  }

  function transferFrom(address from, address to, uint256 value) public override returns (bool) {
    if (refuseAll || to == refused) return false;
    return super.transferFrom(from, to, value);
  }
}

/// @notice Transfers return nothing at all, as USDT's do.
contract SilentToken {
  mapping(address account => uint256) public balanceOf;
  mapping(address owner => mapping(address spender => uint256)) public allowance;
  uint8 public constant decimals = 6;

  function mint(address account, uint256 amount) external {
    balanceOf[account] += amount;
  }

  function approve(address spender, uint256 amount) external returns (bool) {
    allowance[msg.sender][spender] = amount;
    return true;
  }

  function transfer(address to, uint256 amount) external {
    balanceOf[msg.sender] -= amount;
    balanceOf[to] += amount;
  }

  function transferFrom(address from, address to, uint256 amount) external {
    allowance[from][msg.sender] -= amount;
    balanceOf[from] -= amount;
    balanceOf[to] += amount;
  }
}

/// @notice Calls somebody on every transfer out of or into a chosen address, as ERC-777 does, and
/// keeps what came back. It does not call from inside its own call: that would never end.
contract HookToken is PlainToken {
  address public target;
  bytes public attack;
  bytes public answer;
  uint256 public attempts;
  bool private calling;

  function arm(address target_, bytes calldata attack_) external {
    target = target_;
    attack = attack_;
  }

  /// @dev A permit calls back too.
  function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) external {
    callBack();
  }

  function _update(address from, address to, uint256 value) internal override {
    super._update(from, to, value);
    if (from == target || to == target) callBack();
  }

  function callBack() private {
    if (calling || target == address(0)) return;
    calling = true;
    ++attempts;
    (bool ok, bytes memory data) = target.call(attack);
    require(!ok, "the attack went through");
    answer = data;
    calling = false;
  }

  /// @dev Asks for no signature: who may move what is not what this token is for.
  function receiveWithAuthorization(
    address from,
    address to,
    uint256 value,
    uint256,
    uint256,
    bytes32,
    bytes calldata
  ) external {
    _transfer(from, to, value);
  }
}
