import pytest
import torch
from torch_geometric.nn import ChebConv as ReferenceChebConv
from torch_geometric.nn import GCNConv as ReferenceGCNConv

from custom.networks.blocks.graph import ChebConv, GCNConv, propagate
from custom.template import GraphOperator, chebyshev_operator, gcn_operator, icosphere


def edges_of(faces):
    directed = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return torch.unique(torch.cat([directed, directed.flip(1)]), dim=0).T


CASES = [
    (ChebConv, lambda i, o: ReferenceChebConv(i, o, K=2, normalization="sym"), chebyshev_operator),
    (GCNConv, ReferenceGCNConv, gcn_operator),
]


@pytest.mark.parametrize(("ours", "theirs", "operator_of"), CASES, ids=["cheb", "gcn"])
@pytest.mark.parametrize(("channels", "out"), [(3, 24), (24, 5)], ids=["widening", "narrowing"])
def test_equals_torch_geometric_forward_and_backward(ours, theirs, operator_of, channels, out):
    torch.manual_seed(0)
    _, faces = icosphere(2)
    operator = operator_of(faces)
    reference = theirs(channels, out).double()
    torch.nn.init.normal_(reference.bias)
    layer = ours(channels, out).double()
    layer.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(2, operator.neighbours.shape[0], channels, dtype=torch.float64)
    mine, theirs_x = x.clone().requires_grad_(), x.clone().requires_grad_()
    result = layer(mine, operator)
    expected = torch.stack([reference(graph, edges_of(faces)) for graph in theirs_x])
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    weight = torch.randn_like(result)
    (result * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(mine.grad, theirs_x.grad, rtol=0, atol=1e-12)
    for name, parameter in layer.named_parameters():
        torch.testing.assert_close(parameter.grad, dict(reference.named_parameters())[name].grad, rtol=0, atol=1e-10)


def test_propagation_gradient():
    _, faces = icosphere(1)
    operator = chebyshev_operator(faces)
    x = torch.randn(2, 42, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: propagate(x, operator), x)


@pytest.mark.parametrize(("layer", "operator_of"), [(ChebConv, chebyshev_operator), (GCNConv, gcn_operator)])
def test_scripts(layer, operator_of):
    _, faces = icosphere(1)
    operator = operator_of(faces)
    operator = GraphOperator(operator.neighbours, operator.weights.float())
    module = layer(4, 8)
    x = torch.randn(1, 42, 4)
    torch.testing.assert_close(torch.jit.script(module)(x, operator), module(x, operator))
