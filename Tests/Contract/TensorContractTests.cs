using System.Runtime.InteropServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>What each operation of the subset computes, in numbers worked out by hand.</summary>
public sealed class TensorContractTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static Tensor Matrix() => tensor([1f, 2f, 3f, 4f, 5f, 6f], [2, 3]);

    public static TheoryData<string, Func<Tensor, Tensor>, double[]> Pointwise => new()
    {
        { "abs", x => x.abs(), [2, 0.5, 3] },
        { "add tensor", x => x.add(x), [-4, 1, 6] },
        { "add scaled", x => x.add(x, 10), [-22, 5.5, 33] },
        { "add number", x => x.add(1.5), [-0.5, 2, 4.5] },
        { "plus", x => x + x, [-4, 1, 6] },
        { "plus number", x => x + 1, [-1, 1.5, 4] },
        { "number plus", x => 1 + x, [-1, 1.5, 4] },
        { "sub", x => x.sub(x), [0, 0, 0] },
        { "sub number", x => x.sub(2), [-4, -1.5, 1] },
        { "minus", x => x - (x * 2), [2, -0.5, -3] },
        { "minus number", x => x - 1, [-3, -0.5, 2] },
        { "number minus", x => 1 - x, [3, 0.5, -2] },
        { "negation", x => -x, [2, -0.5, -3] },
        { "neg", x => x.neg(), [2, -0.5, -3] },
        { "mul", x => x.mul(x), [4, 0.25, 9] },
        { "mul number", x => x.mul(4), [-8, 2, 12] },
        { "times", x => x * x, [4, 0.25, 9] },
        { "times number", x => x * 3, [-6, 1.5, 9] },
        { "number times", x => 3 * x, [-6, 1.5, 9] },
        { "div", x => x.div(x), [1, 1, 1] },
        { "div number", x => x.div(2), [-1, 0.25, 1.5] },
        { "over", x => x / (x + x), [0.5, 0.5, 0.5] },
        { "over number", x => x / 4, [-0.5, 0.125, 0.75] },
        { "exp", x => x.exp(), [Math.Exp(-2), Math.Exp(0.5), Math.Exp(3)] },
        { "log", x => x.square().log(), [Math.Log(4), Math.Log(0.25), Math.Log(9)] },
        { "sqrt", x => x.square().sqrt(), [2, 0.5, 3] },
        { "square", x => x.square(), [4, 0.25, 9] },
        { "reciprocal", x => x.reciprocal(), [-0.5, 2, 1.0 / 3] },
        { "pow", x => x.pow(3), [-8, 0.125, 27] },
        { "sigmoid", x => x.sigmoid(), [Sigmoid(-2), Sigmoid(0.5), Sigmoid(3)] },
        { "tanh", x => x.tanh(), [Math.Tanh(-2), Math.Tanh(0.5), Math.Tanh(3)] },
        { "relu", x => x.relu(), [0, 0.5, 3] },
        { "clamp", x => x.clamp(-1, 1), [-1, 0.5, 1] },
        { "clamp above only", x => x.clamp(max: 1), [-2, 0.5, 1] },
        { "clamp_min", x => x.clamp_min(0.75), [0.75, 0.75, 3] },
        { "maximum", x => x.maximum(-x), [2, 0.5, 3] },
        { "isfinite", x => (x / (x - 3)).isfinite(), [1, 1, 0] },
        { "eq", x => x.eq(x.abs()), [0, 1, 1] },
        { "eq number", x => x.eq(3), [0, 0, 1] },
        { "ne", x => x.ne(x.abs()), [1, 0, 0] },
        { "ne number", x => x.ne(3), [1, 1, 0] },
        { "lt", x => x.lt(0.5), [1, 0, 0] },
        { "le", x => x.le(0.5), [1, 1, 0] },
        { "gt", x => x.gt(0.5), [0, 0, 1] },
        { "ge", x => x.ge(0.5), [0, 1, 1] },
        { "logical_and", x => x.gt(0).logical_and(x.lt(1)), [0, 1, 0] },
        { "logical_or", x => x.gt(1).logical_or(x.lt(0)), [1, 0, 1] },
        { "logical_not", x => x.gt(0).logical_not(), [1, 0, 0] },
        { "masked_fill", x => x.masked_fill(x.lt(0), 7), [7, 0.5, 3] },
        { "where", x => x.where(x.gt(0), x * 10), [-20, 0.5, 3] },
        { "torch.where", x => torch.where(x.gt(0), x, x * 10), [-20, 0.5, 3] },
        { "softmax", x => x.softmax(0), Softmax(-2, 0.5, 3) },
        { "log_softmax", x => x.log_softmax(0), [.. Softmax(-2, 0.5, 3).Select(share => Math.Log(share))] },
        { "cumsum", x => x.cumsum(0), [-2, -1.5, 1.5] },
        { "flip", x => x.flip(0), [3, 0.5, -2] },
        { "clone", x => x.clone(), [-2, 0.5, 3] },
        { "alias", x => x.alias(), [-2, 0.5, 3] },
        { "detach", x => x.detach(), [-2, 0.5, 3] },
        { "zeros_like", x => zeros_like(x), [0, 0, 0] },
        { "ones_like", x => ones_like(x), [1, 1, 1] },
        { "torch.sigmoid", x => torch.sigmoid(x), [Sigmoid(-2), Sigmoid(0.5), Sigmoid(3)] },
        { "torch.tanh", x => torch.tanh(x), [Math.Tanh(-2), Math.Tanh(0.5), Math.Tanh(3)] },
        { "functional.relu", x => nn.functional.relu(x), [0, 0.5, 3] },
        { "functional.leaky_relu", x => nn.functional.leaky_relu(x, 0.1), [-0.2, 0.5, 3] },
        { "functional.softmax", x => nn.functional.softmax(x, 0), Softmax(-2, 0.5, 3) },
        { "functional.log_softmax", x => nn.functional.log_softmax(x, 0), [.. Softmax(-2, 0.5, 3).Select(share => Math.Log(share))] },
        { "functional.softplus", x => nn.functional.softplus(x), [Math.Log(1 + Math.Exp(-2)), Math.Log(1 + Math.Exp(0.5)), Math.Log(1 + Math.Exp(3))] },
        { "functional.logsigmoid", x => nn.functional.logsigmoid(x), [Math.Log(Sigmoid(-2)), Math.Log(Sigmoid(0.5)), Math.Log(Sigmoid(3))] },
    };

    [Theory]
    [MemberData(nameof(Pointwise))]
    public void An_operation_on_minus2_half_3_gives_what_arithmetic_gives(string name, Func<Tensor, Tensor> operation, double[] expected)
    {
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            Tensor x = tensor([-2, 0.5, 3], type);
            Numbers.AreClose(expected, operation(x), type == ScalarType.Float32 ? 1e-6 : 1e-12);
            Numbers.AreClose([-2, 0.5, 3], x);
        }

        Assert.NotEmpty(name);
    }

    public static TheoryData<string, Func<Tensor, Tensor>, double[]> InPlace => new()
    {
        { "add_", x => x.add_(ones([3])), [2, 5, 10] },
        { "add_ scaled", x => x.add_(ones([3]), -2), [-1, 2, 7] },
        { "add_ number", x => x.add_(0.5), [1.5, 4.5, 9.5] },
        { "sub_", x => x.sub_(ones([3])), [0, 3, 8] },
        { "mul_", x => x.mul_(x.clone()), [1, 16, 81] },
        { "mul_ number", x => x.mul_(-1), [-1, -4, -9] },
        { "div_", x => x.div_(x.clone()), [1, 1, 1] },
        { "div_ number", x => x.div_(2), [0.5, 2, 4.5] },
        { "log_", x => x.log_(), [0, Math.Log(4), Math.Log(9)] },
        { "neg_", x => x.neg_(), [-1, -4, -9] },
        { "addcmul_", x => x.addcmul_(tensor([1f, 2f, 3f]), tensor([4f, 5f, 6f]), 10), [41, 104, 189] },
        { "addcdiv_", x => x.addcdiv_(tensor([1f, 2f, 3f]), tensor([4f, 4f, 4f]), 8), [3, 8, 15] },
        { "zero_", x => x.zero_(), [0, 0, 0] },
        { "fill_", x => x.fill_(2.5), [2.5, 2.5, 2.5] },
        { "copy_", x => x.copy_(tensor([7L, 8L, 9L])), [7, 8, 9] },
        { "masked_fill_", x => x.masked_fill_(x.gt(3), -1), [1, -1, -1] },
        { "scatter_", x => x.scatter_(0, tensor([2L, 0L]), tensor([5f, 6f])), [6, 4, 5] },
        { "scatter_add_", x => x.scatter_add_(0, tensor([2L, 2L]), tensor([5f, 6f])), [1, 4, 20] },
    };

    [Theory]
    [MemberData(nameof(InPlace))]
    public void An_operation_in_place_changes_its_tensor_and_returns_it(string name, Func<Tensor, Tensor> operation, double[] expected)
    {
        Tensor x = tensor([1f, 4f, 9f]);
        Assert.True(ReferenceEquals(x, operation(x)), name);
        Numbers.AreClose(expected, x);
    }

    public static TheoryData<string, Func<Tensor, Tensor>, long[], double[]> Shaped => new()
    {
        { "sum", x => x.sum(), [], [21] },
        { "sum of a type", x => x.sum(ScalarType.Int64), [], [21] },
        // A bare literal 0 would choose the overload that takes an element type: 0 is also a value of every enum.
        { "sum over rows", x => x.sum(dim: 0), [3], [5, 7, 9] },
        { "sum over columns, kept", x => x.sum(1, keepdim: true), [2, 1], [6, 15] },
        { "sum over both", x => x.sum([0, 1]), [], [21] },
        { "mean", x => x.mean(), [], [3.5] },
        { "mean over columns", x => x.mean([1]), [2], [2, 5] },
        { "mean over rows, kept", x => x.mean([0], keepdim: true), [1, 3], [2.5, 3.5, 4.5] },
        { "max", x => x.max(), [], [6] },
        { "min", x => x.min(), [], [1] },
        { "max over columns", x => x.max(1).values, [2], [3, 6] },
        { "places of the max over columns", x => x.max(1).indexes, [2], [2, 2] },
        { "amax", x => x.amax(0), [3], [4, 5, 6] },
        { "amax, kept", x => x.amax([1], keepdim: true), [2, 1], [3, 6] },
        { "argmax", x => x.argmax(1), [2], [2, 2] },
        { "argmax, kept", x => (-x).argmax(0, keepdim: true), [1, 3], [0, 0, 0] },
        { "all", x => x.gt(0).all(), [], [1] },
        { "any", x => x.gt(6).any(), [], [0] },
        { "norm", x => x.norm(), [], [Math.Sqrt(91)] },
        { "norm 1", x => (-x).norm(1), [], [21] },
        { "var", x => x.var(), [], [3.5] },
        { "var of a population", x => x.var(unbiased: false), [], [35.0 / 12] },
        { "std", x => x.std(), [], [Math.Sqrt(3.5)] },
        { "cumsum over columns", x => x.cumsum(1), [2, 3], [1, 3, 6, 4, 9, 15] },
        { "logsumexp", x => x.logsumexp(1), [2], [3 + Math.Log(Math.Exp(-2) + Math.Exp(-1) + 1), 6 + Math.Log(Math.Exp(-2) + Math.Exp(-1) + 1)] },
        { "matmul", x => x.matmul(x.t()), [2, 2], [14, 32, 32, 77] },
        { "mm", x => x.t().mm(x), [3, 3], [17, 22, 27, 22, 29, 36, 27, 36, 45] },
        { "torch.mm", x => torch.mm(x, x.t()), [2, 2], [14, 32, 32, 77] },
        { "torch.matmul with a vector", x => torch.matmul(x, ones([3])), [2], [6, 15] },
        { "bmm", x => x.view(2, 1, 3).bmm(x.view(2, 3, 1)), [2, 1, 1], [14, 77] },
        { "torch.bmm", x => torch.bmm(x.view(1, 2, 3), x.view(1, 3, 2)), [1, 2, 2], [22, 28, 49, 64] },
        { "addmm", x => ones([2, 2]).addmm(x, x.t(), beta: 100, alpha: 2), [2, 2], [128, 164, 164, 254] },
        { "T", x => x.T, [3, 2], [1, 4, 2, 5, 3, 6] },
        { "transpose", x => x.transpose(0, 1), [3, 2], [1, 4, 2, 5, 3, 6] },
        { "permute", x => x.view(1, 2, 3).permute(2, 0, 1), [3, 1, 2], [1, 4, 2, 5, 3, 6] },
        { "reshape of a transpose", x => x.t().reshape(2, 3), [2, 3], [1, 4, 2, 5, 3, 6] },
        { "view with a free size", x => x.view(-1, 2), [3, 2], [1, 2, 3, 4, 5, 6] },
        { "unsqueeze", x => x.unsqueeze(1), [2, 1, 3], [1, 2, 3, 4, 5, 6] },
        { "squeeze", x => x.view(1, 2, 1, 3).squeeze(), [2, 3], [1, 2, 3, 4, 5, 6] },
        { "squeeze of one", x => x.view(1, 2, 1, 3).squeeze(2), [1, 2, 3], [1, 2, 3, 4, 5, 6] },
        { "expand", x => x.narrow(1, 0, 1).expand(2, 2), [2, 2], [1, 1, 4, 4] },
        { "repeat", x => x.narrow(1, 0, 1).repeat(1, 2), [2, 2], [1, 1, 4, 4] },
        { "narrow", x => x.narrow(1, 1, 2), [2, 2], [2, 3, 5, 6] },
        { "select", x => x.select(1, -1), [2], [3, 6] },
        { "flip both", x => x.flip(0, 1), [2, 3], [6, 5, 4, 3, 2, 1] },
        { "index_select", x => x.index_select(1, tensor([2L, 0L])), [2, 2], [3, 1, 6, 4] },
        { "gather", x => x.gather(1, tensor([2L, 0L], [2, 1])), [2, 1], [3, 4] },
        { "masked_select", x => x.masked_select(x.gt(3)), [3], [4, 5, 6] },
        { "scatter", x => x.scatter(1, tensor([0L, 0L], [2, 1]), tensor([8f, 9f], [2, 1])), [2, 3], [8, 2, 3, 9, 5, 6] },
        { "contiguous", x => x.t().contiguous(), [3, 2], [1, 4, 2, 5, 3, 6] },
        { "one row", x => x[1], [3], [4, 5, 6] },
        { "one element", x => x[1, 0], [], [4] },
        { "a range of columns", x => x[TensorIndex.Colon, TensorIndex.Slice(1)], [2, 2], [2, 3, 5, 6] },
        { "every second column", x => x[TensorIndex.Colon, TensorIndex.Slice(null, null, 2)], [2, 2], [1, 3, 4, 6] },
        { "a C# range", x => x[TensorIndex.Colon, 0..2], [2, 2], [1, 2, 4, 5] },
        { "a C# range from the end", x => x[TensorIndex.Colon, ^2..], [2, 2], [2, 3, 5, 6] },
        { "a new dimension", x => x[TensorIndex.None, TensorIndex.Single(0)], [1, 3], [1, 2, 3] },
        { "index", x => x.index(TensorIndex.Single(-1)), [3], [4, 5, 6] },
        { "topk", x => x.topk(2).values, [2, 2], [3, 2, 6, 5] },
        { "places of the topk smallest", x => x.topk(1, 1, largest: false).indexes, [2, 1], [0, 0] },
        { "sort", x => (-x).sort().Values, [2, 3], [-3, -2, -1, -6, -5, -4] },
        { "places of a descending sort", x => x.sort(1, descending: true).Indices, [2, 3], [2, 1, 0, 2, 1, 0] },
        { "cat", x => cat([x, x], 1), [2, 6], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6] },
        { "stack", x => stack([x, x], 1), [2, 2, 3], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6] },
        { "one_hot", x => nn.functional.one_hot(tensor([1L, 0L]), 3), [2, 3], [0, 1, 0, 1, 0, 0] },
        { "one_hot of its own width", x => nn.functional.one_hot(tensor([1L, 0L])), [2, 2], [0, 1, 1, 0] },
        { "functional.linear", x => nn.functional.linear(x, x, tensor([10f, 20f])), [2, 2], [24, 52, 42, 97] },
        { "functional.conv1d", x => nn.functional.conv1d(x.view(1, 2, 3), ones([1, 2, 2]), tensor([100f])), [1, 1, 2], [112, 116] },
        { "cross_entropy", x => nn.functional.cross_entropy(x, tensor([2L, 0L])), [], [(Math.Log(Math.Exp(-2) + Math.Exp(-1) + 1) + 2 + Math.Log(Math.Exp(-2) + Math.Exp(-1) + 1)) / 2] },
        {
            "cross_entropy that ignores an id, summed", x => nn.functional.cross_entropy(x, tensor([2L, 0L]), ignore_index: 0, reduction: nn.Reduction.Sum),
            [], [Math.Log(Math.Exp(-2) + Math.Exp(-1) + 1)]
        },
        {
            "cross_entropy weighted, not reduced", x => nn.functional.cross_entropy(x, tensor([2L, 2L]), tensor([1f, 1f, 4f]), reduction: nn.Reduction.None),
            [2], [4 * Math.Log(Math.Exp(-2) + Math.Exp(-1) + 1), 4 * Math.Log(Math.Exp(-2) + Math.Exp(-1) + 1)]
        },
        {
            "binary_cross_entropy_with_logits", x => nn.functional.binary_cross_entropy_with_logits(x[0], tensor([1f, 0f, 1f]), reduction: nn.Reduction.None),
            [3], [-Math.Log(Sigmoid(1)), -Math.Log(1 - Sigmoid(2)), -Math.Log(Sigmoid(3))]
        },
    };

    [Theory]
    [MemberData(nameof(Shaped))]
    public void An_operation_on_123_456_gives_the_shape_and_numbers_that_arithmetic_gives(string name, Func<Tensor, Tensor> operation, long[] shape, double[] expected)
    {
        Tensor result = operation(Matrix());
        Assert.True(shape.SequenceEqual(result.shape), name);
        Numbers.AreClose(expected, result);
    }

    [Fact]
    public void Chunks_splits_and_slices_together_are_the_whole()
    {
        Tensor x = arange(7, ScalarType.Float32);
        Assert.Equal([3, 3, 1], x.chunk(3).Select(part => part.numel()));
        Assert.Equal([2, 2, 2, 1], x.split(2).Select(part => part.numel()));
        Numbers.AreClose([0, 1, 2, 3, 4, 5, 6], cat(x.split(2)));
        Tensor[] columns = Matrix().unbind(1);
        Assert.Equal(3, columns.Length);
        Numbers.AreClose([3, 6], columns[2]);
        Assert.Equal(2, Matrix().unbind().Length);
        Assert.Equal([1, 1, 1], Matrix().split(1, 1).Select(part => part.size(1)));
        Assert.Equal(1000, arange(1000).unbind().Length);
    }

    [Fact]
    public void Factories_make_what_they_say()
    {
        Numbers.AreClose([0, 0, 0, 0], zeros([2, 2]));
        Numbers.AreClose([0, 0, 0], zeros(3));
        Numbers.HasShape([2, 3], zeros(2, 3));
        Numbers.HasShape([2, 3, 4], zeros(2, 3, 4));
        Numbers.HasShape([5], empty(5));
        Numbers.HasShape([5, 6], empty(5, 6));
        Numbers.HasShape([5, 6, 7], empty(5, 6, 7));
        Numbers.HasShape([5, 0], empty([5, 0]));
        Numbers.AreClose([1, 1], ones([2]));
        Numbers.AreClose([2.5, 2.5], full([2], 2.5));
        Numbers.AreClose([0, 1, 2], arange(3));
        Numbers.AreClose([1, 2], arange(1, 3));
        Numbers.AreClose([1, 1.5, 2, 2.5], arange(1, 3, 0.5));
        Numbers.AreClose([1, 0, 0, 1], eye(2));
        Numbers.AreClose([1, 0, 0, 0, 1, 0], eye(2, 3));
        Numbers.AreClose([1, 1], ones_like(tensor([5L, 6L])));
        Numbers.HasShape([2], empty_like(tensor([5L, 6L])));
        Assert.Equal(ScalarType.Int64, arange(3).dtype);
        Assert.Equal(ScalarType.Float32, full([1], 1.0).dtype);
        Assert.Equal(ScalarType.Float64, zeros([1], ScalarType.Float64).dtype);
        Assert.Equal(ScalarType.Int64, zeros_like(tensor([5L, 6L])).dtype);
        Assert.Equal(ScalarType.Float32, zeros_like(tensor([5L, 6L]), ScalarType.Float32).dtype);
        Assert.True(zeros([2], requires_grad: true).requires_grad);
        Assert.False(zeros([2]).requires_grad);
    }

    [Fact]
    public void Tensors_take_their_numbers_and_type_from_what_they_are_made_of()
    {
        Assert.Equal(1.5f, tensor(1.5f).item<float>());
        Assert.Equal(1.5, tensor(1.5).item<double>());
        Assert.Equal(7L, tensor(7L).item<long>());
        Assert.Equal(1.5f, tensor(1.5, ScalarType.Float32).item<float>());
        Assert.Empty(tensor(7L).shape);
        Assert.Equal([1f, 2f], tensor([1f, 2f]).data<float>().ToArray());
        Assert.Equal([1.0, 2.0], tensor([1.0, 2.0]).data<double>().ToArray());
        Assert.Equal([1L, 2L], tensor([1L, 2L]).data<long>().ToArray());
        Assert.Equal([1, 2], tensor(new[] { 1, 2 }, [2]).data<int>().ToArray());
        Numbers.HasShape([2, 1], tensor([1.0, 2.0], [2, 1]));
        Numbers.HasShape([2, 1], tensor([1L, 2L], [2, 1]));
        Assert.Equal(ScalarType.Int64, tensor([1f, 2f], ScalarType.Int64).dtype);
        Assert.True(tensor([1f], requires_grad: true).is_leaf);
    }

    [Fact]
    public void A_tensor_describes_itself()
    {
        Tensor x = zeros(2, 3);
        Assert.Equal([2L, 3L], x.shape);
        Assert.Equal([2L, 3L], x.size());
        Assert.Equal(3, x.size(1));
        Assert.Equal(3, x.size(-1));
        Assert.Equal([3L, 1L], x.stride());
        Assert.Equal([1L, 3L], x.t().stride());
        Assert.Equal(6, x.numel());
        Assert.Equal(2, x.dim());
        Assert.Equal(2, x.ndim);
        Assert.Equal(ScalarType.Float32, x.dtype);
        Assert.Equal(DeviceType.CPU, x.device_type);
        Assert.Equal(DeviceType.CPU, x.device.type);
        Assert.Equal("cpu", x.device.ToString());
        Assert.True(x.is_cpu());
        Assert.False(x.is_cuda);
        Assert.True(x.is_contiguous());
        Assert.False(x.t().is_contiguous());
        Assert.True(x.is_leaf);
        Assert.False(x.IsInvalid);
        Assert.NotEqual(0, x.Handle);
        Assert.Contains("2x3", x.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Conversions_change_the_type_or_make_a_copy_only_where_asked()
    {
        Tensor x = tensor([1.75f, -1.75f]);
        Assert.Equal([1L, -1L], x.to(ScalarType.Int64).data<long>().ToArray());
        Assert.Equal([1L, -1L], x.to_type(ScalarType.Int64).data<long>().ToArray());
        Assert.Equal(ScalarType.Float64, x.to(ScalarType.Float64, CPU).dtype);
        Tensor same = x.to(ScalarType.Float32), moved = x.to(CPU), home = x.cpu(), copy = x.to(ScalarType.Float32, copy: true);
        x.fill_(3);
        Numbers.AreClose([3, 3], same);
        Numbers.AreClose([3, 3], moved);
        Numbers.AreClose([3, 3], home);
        Numbers.AreClose([1.75, -1.75], copy);
        Tensor gone = tensor([1f]);
        _ = gone.to(ScalarType.Int64, disposeAfter: true);
        Assert.True(gone.IsInvalid);
        Assert.Equal(1.75, copy[0].ToDouble());
        Assert.Equal(1.75f, copy[0].ToSingle());
        Assert.Equal(1L, copy[0].ToInt64());
        Assert.Equal([1, 2, 4, 4, 8, 8, 1, 1], new[] { ScalarType.Int8, ScalarType.Int16, float32, int32, float64, int64, @bool, uint8 }.Select(type => type.ElementSize()));
    }

    [Fact]
    public void Views_share_memory_and_clones_do_not()
    {
        Tensor x = Matrix(), view = x.view(3, 2), clone = x.clone();
        x.zero_();
        Numbers.AreClose([0, 0, 0, 0, 0, 0], view);
        Numbers.AreClose([1, 2, 3, 4, 5, 6], clone);
    }

    [Fact]
    public void Bytes_are_the_memory_itself()
    {
        Tensor x = Matrix();
        Span<float> memory = MemoryMarshal.Cast<byte, float>(x.bytes);
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], memory.ToArray());
        memory[5] = -1;
        Assert.Equal(-1f, x[1, 2].item<float>());
        x.bytes = new byte[24];
        Numbers.AreClose([0, 0, 0, 0, 0, 0], x);
        Assert.Equal(0, empty([0]).bytes.Length);
    }

    [Fact]
    public void An_accessor_reads_in_row_major_order_whatever_the_strides()
    {
        Tensor x = Matrix();
        Assert.Equal([1f, 4f, 2f, 5f, 3f, 6f], x.t().data<float>().ToArray());
        Assert.Equal([1f, 4f, 2f, 5f, 3f, 6f], x.t().data<float>());
        Assert.Equal(6, x.data<float>().Count);
        float[] target = new float[7];
        x.data<float>().CopyTo(target, arrayIndex: 1);
        Assert.Equal([0f, 1f, 2f, 3f, 4f, 5f, 6f], target);
        x.data<float>().CopyFrom(new float[] { 9, 8 }, tensorIndex: 2);
        Numbers.AreClose([1, 2, 9, 8, 5, 6], x);
        Assert.Equal(new[] { true, false }, tensor([1f, 0f]).gt(0).data<bool>().ToArray());
    }

    [Fact]
    public void Integers_promote_with_numbers_as_in_PyTorch()
    {
        Tensor integers = tensor([1L, 2L]);
        Assert.Equal(ScalarType.Int64, (integers + 1).dtype);
        Assert.Equal(ScalarType.Float32, (integers + 1.5).dtype);
        Assert.Equal(ScalarType.Float32, (integers / 2).dtype);
        Assert.Equal(ScalarType.Float32, (tensor([1f]) + 1.5).dtype);
        Assert.Equal(ScalarType.Float64, (tensor([1f]) + tensor([1.5])).dtype);
        Assert.Equal(ScalarType.Bool, integers.gt(1).dtype);
        Numbers.AreClose([3, 4], integers + 2);
    }

    [Fact]
    public void Devices_are_read_from_their_description()
    {
        Assert.Equal(DeviceType.CUDA, device("cuda:1").type);
        Assert.Equal(1, device("cuda:1").index);
        Assert.Equal(-1, device("cpu").index);
        Assert.Equal("cuda", CUDA.ToString());
        Assert.Equal("cuda:2", new Device(DeviceType.CUDA, 2).ToString());
        Device implied = "cpu";
        Assert.Equal(DeviceType.CPU, implied.type);
        Assert.Throws<ArgumentException>(() => device("abacus"));
        InitializeDeviceType(DeviceType.CPU);
        Assert.Equal(cuda.is_available(), cuda.device_count() > 0);
        if (!cuda.is_available())
        {
            Assert.ThrowsAny<Exception>(() => InitializeDeviceType(DeviceType.CUDA));
            Assert.ThrowsAny<Exception>(() => zeros([1], device: CUDA));
        }
    }

    [Fact]
    public void The_number_of_threads_can_be_set()
    {
        int before = get_num_threads();
        try
        {
            set_num_threads(1);
            Assert.Equal(1, get_num_threads());
        }
        finally
        {
            set_num_threads(before);
        }

        Assert.StartsWith("0.1", __version__, StringComparison.Ordinal);
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double[] Softmax(params double[] logits)
    {
        double total = logits.Sum(Math.Exp);
        return [.. logits.Select(logit => Math.Exp(logit) / total)];
    }
}
