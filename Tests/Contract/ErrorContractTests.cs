using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>Mistakes arrive as exceptions with libtorch's own message, and the process lives on.</summary>
public sealed class ErrorContractTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    public static TheoryData<Func<Tensor>, string> Mistakes => new()
    {
        { () => zeros(2, 3).mm(zeros(4, 5)), "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)" },
        { () => zeros(2) + zeros(3), "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0" },
        { () => zeros(6).view(4, 2), "shape '[4, 2]' is invalid for input of size 6" },
        { () => zeros(2, 3).t().view(6), "view size is not compatible" },
        { () => cat([zeros(2, 3), zeros(2, 2)], 0), "Sizes of tensors must match except in dimension 0" },
        { () => cat([], 0), "expected a non-empty list of Tensors" },
        { () => zeros(2, 3).narrow(1, 2, 2), "exceeds dimension size" },
        { () => zeros(2, 3).sum(5), "Dimension out of range" },
        { () => zeros(2, 3).index_select(1, tensor([7L])), "out of DATA bounds" },
        { () => zeros(2, 3).gather(1, tensor([7L], [1, 1])), "out of bounds" },
        { () => zeros(3).mm(zeros(3, 3)), "must be a matrix" },
        { () => zeros(2, 3).mm(zeros([3, 2], ScalarType.Float64)), "Double" },
        { () => zeros(2, 3).matmul(zeros([3, 2], ScalarType.Int64)), "Long" },
        { () => arange(3).mean(), "Could not infer output dtype" },
        { () => arange(3).softmax(0), "not implemented for 'Long'" },
        { () => zeros([3]).where(zeros([3]), zeros([3])), "expected condition to be a boolean tensor" },
        { () => arange(3).requires_grad_(), "floating point" },
        { () => nn.functional.cross_entropy(zeros(2, 3), tensor([0L, 3L])), "out of bounds" },
        { () => nn.functional.one_hot(tensor([-1L])), "non-negative" },
        { () => zeros([-1]), "negative dimension" },
        { () => zeros(2, 3).expand(4, 3), "expanded size" },
        { () => empty([1L << 50]), "memory" },
        { () => zeros([2]).copy_(zeros([3])), "must match" },
        { () => rand([2, 2]).multinomial(3), "without replacement" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_gives_libtorchs_message(Func<Tensor> mistake, string message)
    {
        ExternalException error = Assert.Throws<ExternalException>(mistake);
        Assert.Contains(message, error.Message, StringComparison.OrdinalIgnoreCase);
        Numbers.AreClose([2, 2], ones([2]) + 1);
    }

    [Fact]
    public void A_leaf_that_requires_its_gradient_refuses_to_be_changed_in_place()
    {
        Tensor leaf = zeros([2], requires_grad: true);
        Assert.Contains("a leaf Variable that requires grad", Assert.Throws<ExternalException>(() => leaf.add_(1)).Message, StringComparison.Ordinal);
        using (no_grad())
        {
            leaf.add_(1);
        }

        Numbers.AreClose([1, 1], leaf);
    }

    [Fact]
    public void A_tensor_that_was_saved_and_then_changed_refuses_the_backward()
    {
        Tensor x = tensor([1.0, 2.0], requires_grad: true);
        Tensor y = x * 1, z = y * y;
        y.add_(1);
        Assert.Contains("modified by an inplace operation", Assert.Throws<ExternalException>(() => z.sum().backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backward_from_nothing_or_from_many_numbers_is_refused()
    {
        Assert.Contains("does not require grad", Assert.Throws<ExternalException>(() => zeros([1]).sum().backward()).Message, StringComparison.Ordinal);
        Assert.Contains("scalar outputs", Assert.Throws<ExternalException>(() => zeros([2], requires_grad: true).backward()).Message, StringComparison.Ordinal);
        Tensor x = zeros([1], requires_grad: true), stranger = zeros([1], requires_grad: true);
        Assert.Contains("appears to not have been used", Assert.Throws<ExternalException>(() => autograd.grad([x * 2], [stranger])).Message, StringComparison.Ordinal);
        Tensor y = (x * x).sum();
        y.backward();
        Assert.Contains("second time", Assert.Throws<ExternalException>(() => y.backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_tensor_is_refused_wherever_it_turns_up()
    {
        Tensor gone = zeros([2]), here = zeros([2]);
        gone.Dispose();
        Assert.True(gone.IsInvalid);
        gone.Dispose();
        foreach (Action use in new Action[]
        {
            () => gone.add(here), () => here.add(gone), () => cat([here, gone]), () => _ = gone.shape, () => gone.item<float>(), () => _ = gone.bytes.Length,
            () => gone.requires_grad = true, () => here.grad = gone, () => gone.backward(), () => _ = gone.grad, () => _ = new Parameter(gone), () => gone.add_(1),
        })
        {
            Assert.Contains("empty handle", Assert.Throws<InvalidOperationException>(use).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Elements_are_read_only_as_what_they_are()
    {
        Assert.Throws<ArgumentException>(() => zeros([2]).item<float>());
        Assert.Throws<ArgumentException>(() => zeros([1]).item<double>());
        Assert.Throws<ArgumentException>(() => zeros([1]).item<int>());
        Assert.Throws<ArgumentException>(() => zeros([1], ScalarType.Int64).item<double>());
        Assert.Throws<ArgumentException>(() => zeros([1]).data<double>());
        Assert.Throws<NotImplementedException>(() => zeros(2, 3).t().bytes.Length);
        Assert.Throws<ArgumentException>(() => zeros([2]).bytes = new byte[3]);
        Assert.ThrowsAny<ArgumentException>(() => tensor([1f, 2f], [3]));
    }

    [Fact]
    public void An_unknown_dimension_of_a_size_is_out_of_range() => Assert.ThrowsAny<Exception>(() => zeros(2, 3).size(2));

    [Fact]
    public void Errors_of_one_thread_do_not_show_on_another()
    {
        string[] messages = new string[4];
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                using DisposeScope scope = NewDisposeScope();
                messages[number] = Assert.Throws<ExternalException>(() => zeros(2, number + 3).mm(zeros(2, 2))).Message;
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        for (int i = 0; i < messages.Length; i++)
        {
            Assert.Contains($"(2x{i + 3} and 2x2)", messages[i], StringComparison.Ordinal);
        }
    }
}
