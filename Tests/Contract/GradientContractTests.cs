using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>Gradients of the subset's operations against central differences, in float64.</summary>
public sealed class GradientContractTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    public static TheoryData<string, Func<Tensor, Tensor>> OfOne => new()
    {
        { "abs", x => x.abs() },
        { "number arithmetic", x => (3 - ((x * 2) + 1)) / 4 },
        { "exp", x => x.exp() },
        { "log", x => x.square().log() },
        { "sqrt", x => x.square().sqrt() },
        { "reciprocal", x => x.reciprocal() },
        { "pow", x => x.pow(3) },
        { "sigmoid", x => x.sigmoid() },
        { "tanh", x => x.tanh() },
        { "relu", x => x.relu() },
        { "leaky_relu", x => nn.functional.leaky_relu(x, 0.2) },
        { "softplus", x => nn.functional.softplus(x) },
        { "logsigmoid", x => nn.functional.logsigmoid(x) },
        { "clamp", x => x.clamp(-1, 1) },
        { "clamp_min", x => x.clamp_min(0.1) },
        { "softmax", x => x.softmax(1) },
        { "log_softmax", x => x.log_softmax(-1) },
        { "logsumexp", x => x.logsumexp(0) },
        { "cumsum", x => x.cumsum(1) },
        { "sum", x => x.sum(0, keepdim: true) },
        { "mean", x => x.mean([1]) },
        { "max", x => x.max(1).values },
        { "amax", x => x.amax(0) },
        { "norm", x => x.norm() },
        { "var", x => x.var() },
        { "std", x => x.std() },
        { "transpose", x => x.t().contiguous() },
        { "permute and reshape", x => x.view(1, 2, 3).permute(2, 0, 1).reshape(6) },
        { "narrow, select, unsqueeze, squeeze", x => x.narrow(1, 1, 2).select(0, 1).unsqueeze(0).squeeze(0) },
        { "expand", x => x.narrow(1, 0, 1).expand(2, 4) },
        { "repeat", x => x.repeat(2, 2) },
        { "flip", x => x.flip(1) },
        { "index_select", x => x.index_select(1, tensor([2L, 0L, 2L])) },
        { "gather", x => x.gather(1, tensor([2L, 0L, 2L, 1L], [2, 2])) },
        { "masked_fill", x => x.masked_fill(x.gt(0), 5) },
        { "where", x => where(x.gt(0), x * 2, x.square()) },
        { "scatter", x => x.scatter(1, tensor([1L, 2L], [2, 1]), x.narrow(1, 0, 1) * 3) },
        { "topk and sort", x => x.topk(2).values.sum(1) + x.sort(1, descending: true).Values.select(1, 0) },
        { "cat, stack, chunk", x => cat(stack([x, x * 2], 1).chunk(2, 1), 0) },
        { "indexing", x => x[TensorIndex.Colon, TensorIndex.Slice(0, 3, 2)] },
        { "conversion", x => x.to(ScalarType.Float64).clone() },
        { "cross_entropy", x => nn.functional.cross_entropy(x, tensor([2L, 1L])) },
        { "binary_cross_entropy_with_logits", x => nn.functional.binary_cross_entropy_with_logits(x, full([2, 3], 0.3, ScalarType.Float64)) },
    };

    [Theory]
    [MemberData(nameof(OfOne))]
    public void The_gradient_is_the_slope_of_the_function(string name, Func<Tensor, Tensor> function)
    {
        Assert.NotEmpty(name);
        Numbers.GradientsMatchDifferences(leaves => function(leaves[0]), Numbers.Leaf([-1.7, 0.4, 1.1, 0.6, -0.3, 2.2], 2, 3));
    }

    public static TheoryData<string, Func<Tensor, Tensor, Tensor>> OfTwo => new()
    {
        { "add", (a, b) => a + b },
        { "add scaled", (a, b) => a.add(b, 2.5) },
        { "subtract", (a, b) => a - b },
        { "multiply", (a, b) => a * b },
        { "divide", (a, b) => a / b },
        { "maximum", (a, b) => a.maximum(b) },
        { "mm", (a, b) => a.mm(b.t()) },
        { "matmul with broadcasting", (a, b) => a.view(2, 1, 3).matmul(b.t()) },
        { "bmm", (a, b) => a.view(2, 1, 3).bmm(b.view(2, 3, 1)) },
        { "addmm", (a, b) => ones([2, 2], ScalarType.Float64).addmm(a, b.t(), 0.5f, 2) },
        { "linear", (a, b) => nn.functional.linear(a, b, b.select(1, 0)) },
        { "conv1d", (a, b) => nn.functional.conv1d(a.view(1, 2, 3), b.narrow(1, 0, 2).view(1, 2, 2)) },
    };

    [Theory]
    [MemberData(nameof(OfTwo))]
    public void Both_gradients_are_the_slopes_of_the_function(string name, Func<Tensor, Tensor, Tensor> function)
    {
        Assert.NotEmpty(name);
        Numbers.GradientsMatchDifferences(
            leaves => function(leaves[0], leaves[1]), Numbers.Leaf([-1.7, 0.4, 1.1, 0.6, -0.3, 2.2], 2, 3), Numbers.Leaf([0.9, -0.7, 1.3, -2.1, 0.8, 0.5], 2, 3));
    }

    [Fact]
    public void In_place_operations_carry_gradients()
    {
        Numbers.GradientsMatchDifferences(
            leaves => (leaves[0] * 1).mul_(leaves[0]).add_(leaves[1], 3).div_(2).sub_(leaves[1]).neg_(), Numbers.Leaf([1.5, -0.5], 2), Numbers.Leaf([0.25, 4], 2));
        Numbers.GradientsMatchDifferences(leaves => zeros([3], ScalarType.Float64).scatter_add_(0, tensor([2L, 2L]), leaves[0].square()), Numbers.Leaf([1.5, -0.5], 2));
        Numbers.GradientsMatchDifferences(leaves => zeros([2], ScalarType.Float64).copy_(leaves[0].exp()).masked_fill_(tensor([1L, 0L]).eq(0), 1), Numbers.Leaf([1.5, -0.5], 2));
        Numbers.GradientsMatchDifferences(
            leaves => ones([2], ScalarType.Float64).addcmul_(leaves[0], leaves[1], 2).addcdiv_(leaves[0], leaves[1], -1), Numbers.Leaf([1.5, -0.5], 2), Numbers.Leaf([0.25, 4], 2));
    }

    [Fact]
    public void Gradients_accumulate_until_they_are_cleared()
    {
        Tensor x = tensor([3.0], requires_grad: true);
        Assert.Null(x.grad);
        (x * x).sum().backward();
        (x * x).sum().backward();
        Numbers.AreClose([12], x.grad!);
        x.grad = null;
        Assert.Null(x.grad);
        x.grad = tensor([5.0]);
        x.sum().backward();
        Numbers.AreClose([6], x.grad!);
    }

    [Fact]
    public void Gradients_with_respect_to_chosen_tensors_are_returned_and_not_accumulated()
    {
        Tensor x = tensor([3.0], requires_grad: true), y = tensor([2.0], requires_grad: true), unused = tensor([1.0], requires_grad: true);
        Tensor output = x * x * y;
        IList<Tensor> found = autograd.grad([output], [x, y, unused], grad_outputs: [tensor([10.0])], allow_unused: true);
        Numbers.AreClose([120], found[0]);
        Numbers.AreClose([90], found[1]);
        Assert.Null(found[2]);
        Assert.Null(x.grad);
    }

    [Fact]
    public void A_second_derivative_is_the_derivative_of_the_first()
    {
        Tensor x = tensor([3.0], requires_grad: true);
        Tensor first = autograd.grad([x.pow(4)], [x], create_graph: true)[0];
        Numbers.AreClose([108], first);
        Tensor second = autograd.grad([first], [x], create_graph: true)[0];
        Numbers.AreClose([108], second);
        second.backward();
        Numbers.AreClose([72], x.grad!);
    }

    [Fact]
    public void Backward_takes_a_gradient_of_the_output_and_may_be_repeated_where_the_graph_is_kept()
    {
        Tensor x = tensor([1.0, 2.0], requires_grad: true);
        Tensor y = x * x;
        y.backward([tensor([1.0, 10.0])], retain_graph: true);
        Numbers.AreClose([2, 40], x.grad!);
        y.backward([tensor([1.0, 10.0])]);
        Numbers.AreClose([4, 80], x.grad!);
        Assert.ThrowsAny<Exception>(() => y.backward([tensor([1.0, 10.0])]));
    }

    [Fact]
    public void Backward_may_be_limited_to_some_leaves()
    {
        Tensor x = tensor([1.0], requires_grad: true), y = tensor([2.0], requires_grad: true);
        autograd.backward([x * y], inputs: [y]);
        Assert.Null(x.grad);
        Numbers.AreClose([1], y.grad!);
    }

    [Fact]
    public void Detached_tensors_and_results_without_gradients_stand_outside_the_graph()
    {
        Tensor x = tensor([1.0], requires_grad: true);
        Assert.False(x.detach().requires_grad);
        Assert.False((x * 2).is_leaf);
        using (no_grad())
        {
            Tensor y = x * 2;
            Assert.False(y.requires_grad);
            Assert.True(y.is_leaf);
        }

        Assert.True((x * 2).requires_grad);
        Tensor frozen = tensor([1.0]).requires_grad_().with_requires_grad(false);
        Assert.False(frozen.requires_grad);
    }

    [Fact]
    public void Gradient_modes_nest_and_are_restored_by_exceptions_too()
    {
        Assert.True(is_grad_enabled());
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            using (enable_grad())
            {
                Assert.True(is_grad_enabled());
                using (set_grad_enabled(false))
                {
                    Assert.False(is_grad_enabled());
                }

                Assert.True(is_grad_enabled());
            }

            using (enable_grad(false))
            {
                Assert.False(is_grad_enabled());
            }

            Assert.False(is_grad_enabled());
        }

        Assert.True(is_grad_enabled());
        Assert.Throws<ApplicationException>(ThrowWithoutGradients);
        Assert.True(is_grad_enabled());
    }

    private static void ThrowWithoutGradients()
    {
        using IDisposable off = no_grad();
        throw new ApplicationException();
    }

    [Fact]
    public void The_gradient_mode_belongs_to_its_thread()
    {
        using IDisposable off = no_grad();
        bool elsewhere = false;
        var thread = new Thread(() => elsewhere = is_grad_enabled());
        thread.Start();
        thread.Join();
        Assert.True(elsewhere);
    }
}
