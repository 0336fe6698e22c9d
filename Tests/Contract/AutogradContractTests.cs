using System.Runtime.InteropServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace GumbelGan.Tests.Contract;

/// <summary>Differentiable functions whose forward and backward are C#.</summary>
public sealed class AutogradContractTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void A_custom_function_runs_its_own_backward()
    {
        Tensor x = tensor([1.0, 2.0, 3.0], requires_grad: true);
        Tensor y = TimesFactor.apply(x, 10.0);
        (y * y).sum().backward();
        // d/dx (10 x)^2 = 200 x
        Numbers.AreClose([200, 400, 600], x.grad!);
        Assert.False(y.is_leaf);
    }

    [Fact]
    public void The_gradient_of_a_custom_function_is_the_slope_of_its_forward()
    {
        Numbers.GradientsMatchDifferences(leaves => TimesFactor.apply(leaves[0], 2.5), Numbers.Leaf([1.5, -0.5], 2));
        Numbers.GradientsMatchDifferences(leaves => Logistic.apply(leaves[0]), Numbers.Leaf([1.5, -0.5], 2));
        Numbers.GradientsMatchDifferences(leaves => Product.apply(leaves[0], leaves[1]), Numbers.Leaf([1.5, -0.5], 2), Numbers.Leaf([3, 0.25], 2));
        Numbers.GradientsMatchDifferences(
            leaves => SumAndDifference.apply(leaves[0], leaves[1]) is [var sum, var difference] ? sum * difference.exp() : throw new InvalidOperationException(),
            Numbers.Leaf([1.5, -0.5], 2), Numbers.Leaf([3, 0.25], 2));
    }

    [Fact]
    public void A_second_derivative_passes_through_saved_inputs()
    {
        Tensor x = tensor([3.0], requires_grad: true), y = tensor([5.0], requires_grad: true);
        Tensor product = Product.apply(x * x, y);
        // f = x^2 y, f' = 2 x y, f'' = 2 y, and d/dy f' = 2 x
        Tensor first = grad([product], [x], create_graph: true)[0];
        Numbers.AreClose([30], first);
        first.backward();
        Numbers.AreClose([10], x.grad!);
        Numbers.AreClose([6], y.grad!);
    }

    [Fact]
    public void A_second_derivative_passes_through_saved_outputs()
    {
        Tensor x = tensor([0.3], requires_grad: true);
        double s = 1 / (1 + Math.Exp(-0.3));
        Tensor first = grad([Logistic.apply(x)], [x], create_graph: true)[0];
        Numbers.AreClose([s * (1 - s)], first, 1e-12);
        Tensor second = grad([first], [x], create_graph: true)[0];
        Numbers.AreClose([s * (1 - s) * (1 - (2 * s))], second, 1e-12);
        Tensor third = grad([second], [x])[0];
        Numbers.AreClose([s * (1 - s) * (1 - (6 * s) + (6 * s * s))], third, 1e-12);
    }

    [Fact]
    public void Several_outputs_receive_their_gradients_and_zeros_where_an_output_was_not_used()
    {
        Tensor x = tensor([1.0], requires_grad: true), y = tensor([2.0], requires_grad: true);
        List<Tensor> outputs = SumAndDifference.apply(x, y);
        (outputs[0] * 10).sum().backward();
        Numbers.AreClose([10], x.grad!);
        Numbers.AreClose([10], y.grad!);
        (SumAndDifference.apply(x, y)[1] * 3).sum().backward();
        Numbers.AreClose([13], x.grad!);
        Numbers.AreClose([7], y.grad!);
    }

    [Fact]
    public void Without_materialised_gradients_an_unused_output_arrives_as_an_invalid_tensor()
    {
        Tensor x = tensor([1.0, 2.0], requires_grad: true);
        List<Tensor> outputs = Unmaterialised.apply(x);
        outputs[1].sum().backward();
        Numbers.AreClose([100, 100], x.grad!);
        Assert.True(Unmaterialised.FirstWasInvalid);
    }

    [Fact]
    public void An_output_marked_as_not_differentiable_stays_outside_the_graph_and_keeps_its_place()
    {
        Tensor x = tensor([1.0, 5.0, 2.0], requires_grad: true);
        List<Tensor> outputs = MaximumAndPlace.apply(x);
        Assert.False(outputs[0].requires_grad);
        Assert.True(outputs[1].requires_grad);
        Assert.Equal(1L, outputs[0].item<long>());
        (outputs[1] * 4).backward();
        Numbers.AreClose([0, 4, 0], x.grad!);
    }

    [Fact]
    public void A_null_gradient_stops_there()
    {
        Tensor x = tensor([1.0], requires_grad: true), y = tensor([2.0], requires_grad: true);
        FirstOnly.apply(x, y).sum().backward();
        Numbers.AreClose([2], x.grad!);
        Assert.Null(y.grad);
    }

    [Fact]
    public void Nothing_is_recorded_where_nothing_requires_a_gradient()
    {
        Assert.False(TimesFactor.apply(tensor([1.0]), 2.0).requires_grad);
        using IDisposable off = no_grad();
        Assert.False(TimesFactor.apply(tensor([1.0], requires_grad: true), 2.0).requires_grad);
    }

    [Fact]
    public void The_forward_runs_without_gradients_and_restores_the_mode_when_it_throws()
    {
        Assert.Throws<ApplicationException>(() => ThrowingForward.apply(tensor([1.0], requires_grad: true)));
        Assert.False(ThrowingForward.GradientsWereOn);
        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void A_function_may_return_its_input()
    {
        Tensor x = tensor([1.0, 2.0], requires_grad: true);
        Tensor y = Reversal.apply(x * 1);
        Numbers.AreClose([1, 2], y);
        y.sum().backward();
        Numbers.AreClose([-1, -1], x.grad!);
        Assert.True(x.is_leaf);
    }

    [Fact]
    public void A_saved_tensor_that_was_changed_in_place_is_refused()
    {
        Tensor x = tensor([1.0], requires_grad: true), y = tensor([2.0], requires_grad: true);
        Tensor changed = y * 1;
        Tensor product = Product.apply(x, changed);
        changed.add_(1);
        Assert.Contains("modified by an inplace operation", Assert.Throws<ExternalException>(() => product.backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_backward_needs_a_graph_that_was_kept()
    {
        Tensor x = tensor([2.0], requires_grad: true), y = tensor([3.0], requires_grad: true);
        Tensor product = Product.apply(x, y);
        product.backward(retain_graph: true);
        product.backward();
        Numbers.AreClose([6], x.grad!);
        Assert.Contains("second time", Assert.Throws<ExternalException>(() => product.backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_exception_in_a_custom_backward_arrives_as_itself()
    {
        Tensor y = ThrowingBackward.apply(tensor([1.0], requires_grad: true));
        Assert.Equal("on purpose", Assert.Throws<ApplicationException>(() => y.sum().backward()).Message);
        Assert.Contains("does not require grad", Assert.Throws<ExternalException>(() => zeros([1]).backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_of_libtorch_in_a_custom_backward_arrives_with_its_message()
    {
        Tensor y = BadShape.apply(tensor([1.0], requires_grad: true));
        Assert.Contains("mat1 and mat2", Assert.Throws<ExternalException>(() => y.sum().backward()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_few_gradients_and_gradients_of_numbers_are_refused()
    {
        Tensor x = tensor([1.0], requires_grad: true);
        Assert.Throws<NotImplementedException>(() => TooFew.apply(x, 2.0).backward());
        Assert.Throws<NotImplementedException>(() => GradientOfANumber.apply(x, 2.0).backward());
    }

    [Fact]
    public void Graphs_of_custom_functions_are_freed_whether_they_ran_backward_or_not()
    {
        Tensor x = rand([50], requires_grad: true);
        NativeMemory.StaysFlat(200, () =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor kept = Logistic.apply(TimesFactor.apply(x, 2.0));
            kept.sum().backward();
            _ = Logistic.apply(TimesFactor.apply(x, 2.0));
            _ = SumAndDifference.apply(x, kept);
            Tensor first = grad([Logistic.apply(x)], [x], [ones([50])], create_graph: true)[0];
            _ = grad([first], [x], [ones([50])]);
            using Tensor gradient = x.grad!;
        });
    }

    [Fact]
    public void Failed_backwards_leave_nothing_behind()
    {
        NativeMemory.StaysFlat(50, () =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x = tensor([1.0], requires_grad: true);
            Assert.Throws<ApplicationException>(() => ThrowingBackward.apply(x).sum().backward());
            Assert.Throws<NotImplementedException>(() => GradientOfANumber.apply(x, 2.0).backward());
            Assert.Throws<ExternalException>(() => zeros(2, 3).mm(zeros(2, 3)));
        });
    }

    [Fact]
    public void A_graph_that_is_kept_by_an_output_lives_after_the_scope_of_its_parts()
    {
        Tensor x = tensor([2.0], requires_grad: true), y;
        using (NewDisposeScope())
        {
            y = Product.apply(x * 1, x + 1).MoveToOuterDisposeScope();
        }

        NativeMemory.Settle();
        y.backward();
        Numbers.AreClose([5], x.grad!);
    }

    [Fact]
    public void Custom_functions_run_on_several_threads_at_once()
    {
        Thread[] threads = [.. Enumerable.Range(1, 4).Select(number => new Thread(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor x = tensor([(double)number], requires_grad: true);
                Product.apply(Logistic.apply(x), x).backward();
                double s = 1 / (1 + Math.Exp(-number));
                Numbers.AreClose([s + (number * s * (1 - s))], x.grad!, 1e-12);
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }

    private sealed class TimesFactor : SingleTensorFunction<TimesFactor>
    {
        public override string Name => nameof(TimesFactor);

        public override Tensor forward(AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("factor", vars[1]);
            Assert.Null(ctx.get_data("nothing"));
            return (Tensor)vars[0] * (double)vars[1];
        }

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => [grad_output * (double)ctx.get_data("factor"), null!];
    }

    private sealed class Logistic : SingleTensorFunction<Logistic>
    {
        public override string Name => nameof(Logistic);

        public override Tensor forward(AutogradContext ctx, params object[] vars)
        {
            Tensor output = ((Tensor)vars[0]).sigmoid();
            ctx.save_for_backward([output, null!]);
            return output;
        }

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            Assert.Null(saved[1]);
            return [grad_output * saved[0] * (1 - saved[0])];
        }
    }

    private sealed class Product : SingleTensorFunction<Product>
    {
        public override string Name => nameof(Product);

        public override Tensor forward(AutogradContext ctx, params object[] vars)
        {
            ctx.save_for_backward([(Tensor)vars[0], (Tensor)vars[1]]);
            return (Tensor)vars[0] * (Tensor)vars[1];
        }

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            return [grad_output * saved[1], grad_output * saved[0]];
        }
    }

    private sealed class SumAndDifference : MultiTensorFunction<SumAndDifference>
    {
        public override string Name => nameof(SumAndDifference);

        public override List<Tensor> forward(AutogradContext ctx, params object[] vars) =>
            [(Tensor)vars[0] + (Tensor)vars[1], (Tensor)vars[0] - (Tensor)vars[1]];

        public override List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs)
        {
            Assert.True(ctx.MaterializeGrads);
            return [grad_outputs[0] + grad_outputs[1], grad_outputs[0] - grad_outputs[1]];
        }
    }

    private sealed class Unmaterialised : MultiTensorFunction<Unmaterialised>
    {
        public static bool FirstWasInvalid { get; private set; }

        public override string Name => nameof(Unmaterialised);

        public override List<Tensor> forward(AutogradContext ctx, params object[] vars)
        {
            ctx.set_materialize_grads(false);
            return [(Tensor)vars[0] * 1, (Tensor)vars[0] * 100];
        }

        public override List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs)
        {
            FirstWasInvalid = grad_outputs[0].IsInvalid;
            return [grad_outputs[1] * 100];
        }
    }

    private sealed class MaximumAndPlace : MultiTensorFunction<MaximumAndPlace>
    {
        public override string Name => nameof(MaximumAndPlace);

        public override List<Tensor> forward(AutogradContext ctx, params object[] vars)
        {
            (Tensor maximum, Tensor place) = ((Tensor)vars[0]).max(0);
            ctx.mark_non_differentiable([place]);
            ctx.save_for_backward([place]);
            return [place, maximum];
        }

        public override List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs) =>
            [nn.functional.one_hot(ctx.get_saved_variables()[0], 3) * grad_outputs[1]];
    }

    private sealed class FirstOnly : SingleTensorFunction<FirstOnly>
    {
        public override string Name => nameof(FirstOnly);

        public override Tensor forward(AutogradContext ctx, params object[] vars) => (Tensor)vars[0] + (Tensor)vars[1];

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => [grad_output * 2, null!];
    }

    private sealed class Reversal : SingleTensorFunction<Reversal>
    {
        public override string Name => nameof(Reversal);

        public override Tensor forward(AutogradContext ctx, params object[] vars) => (Tensor)vars[0];

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => [-grad_output];
    }

    private sealed class ThrowingForward : SingleTensorFunction<ThrowingForward>
    {
        public static bool GradientsWereOn { get; private set; }

        public override string Name => nameof(ThrowingForward);

        public override Tensor forward(AutogradContext ctx, params object[] vars)
        {
            GradientsWereOn = is_grad_enabled();
            throw new ApplicationException("on purpose");
        }

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => [grad_output];
    }

    private sealed class ThrowingBackward : SingleTensorFunction<ThrowingBackward>
    {
        public override string Name => nameof(ThrowingBackward);

        public override Tensor forward(AutogradContext ctx, params object[] vars) => (Tensor)vars[0] * 1;

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => throw new ApplicationException("on purpose");
    }

    private sealed class BadShape : SingleTensorFunction<BadShape>
    {
        public override string Name => nameof(BadShape);

        public override Tensor forward(AutogradContext ctx, params object[] vars) => (Tensor)vars[0] * 1;

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => [zeros(2, 3).mm(zeros(2, 3))];
    }

    private sealed class TooFew : SingleTensorFunction<TooFew>
    {
        public override string Name => nameof(TooFew);

        public override Tensor forward(AutogradContext ctx, params object[] vars) => (Tensor)vars[0] * 1;

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => [grad_output];
    }

    private sealed class GradientOfANumber : SingleTensorFunction<GradientOfANumber>
    {
        public override string Name => nameof(GradientOfANumber);

        public override Tensor forward(AutogradContext ctx, params object[] vars) => (Tensor)vars[0] * 1;

        public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) => [grad_output, grad_output];
    }
}
