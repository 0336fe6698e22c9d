using System.Runtime.InteropServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

public sealed class AutogradContractTests
{
    [Fact]
    public void The_gradient_of_a_product_is_the_other_factor()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([2f, 3f], requires_grad: true), y = tensor([5f, 7f]);
        (x * y).sum().backward();
        Assert.Equal([5f, 7f], x.grad!.data<float>().ToArray());
    }

    [Fact]
    public void A_bad_shape_gives_libtorchs_message_as_an_exception()
    {
        using DisposeScope scope = NewDisposeScope();
        ExternalException error = Assert.Throws<ExternalException>(() => zeros(2, 3).mm(zeros(4, 5)));
        Assert.Contains("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_custom_function_runs_its_own_backward()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([1f, 2f, 3f], requires_grad: true);
        Tensor y = TimesFactor.apply(x, 10.0);
        (y * y).sum().backward();
        // d/dx (10 x)^2 = 200 x
        Assert.Equal([200f, 400f, 600f], x.grad!.data<float>().ToArray());
    }

    [Fact]
    public void An_exception_in_a_custom_backward_arrives_as_itself()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([1f], requires_grad: true);
        Tensor y = Throwing.apply(x);
        Assert.Equal("on purpose", Assert.Throws<ApplicationException>(() => y.sum().backward()).Message);
    }

    [Fact]
    public void A_scope_frees_all_that_was_made_in_it_graphs_of_custom_functions_included()
    {
        long before = Tensor.TotalCount;
        long statistics = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 10; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = rand([3, 4], requires_grad: true);
            Tensor y = TimesFactor.apply(x, 2.0);
            y.sum().backward();
        }

        Assert.Equal(before, Tensor.TotalCount);
        Assert.Equal(statistics, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private sealed class TimesFactor : autograd.SingleTensorFunction<TimesFactor>
    {
        public override string Name => nameof(TimesFactor);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var x = (Tensor)vars[0];
            ctx.save_for_backward([x]);
            ctx.save_data("factor", vars[1]);
            return x * (double)vars[1];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output * (double)ctx.get_data("factor"), null!];
    }

    private sealed class Throwing : autograd.SingleTensorFunction<Throwing>
    {
        public override string Name => nameof(Throwing);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]) * 1.0;

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => throw new ApplicationException("on purpose");
    }
}
