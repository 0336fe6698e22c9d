using static TorchSharp.torch;

namespace GumbelGan.Engine;

/// <summary>A node of libtorch's graph whose two passes are ours. What its backward pass throws waits in <see cref="BackwardFailure"/>.</summary>
/// <typeparam name="T">The node itself.</typeparam>
public abstract class FusedNode<T> : autograd.SingleTensorFunction<T>
    where T : FusedNode<T>, new()
{
    private const string ArgumentsKey = "number of arguments";

    /// <inheritdoc/>
    public sealed override string Name => typeof(T).FullName!;

    /// <inheritdoc/>
    public sealed override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(ArgumentsKey, vars.Length);
        return Forward(ctx, vars);
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
        BackwardFailure.Catch(() => Backward(ctx, grad_output), [.. new Tensor[(int)ctx.get_data(ArgumentsKey)]]);

    /// <summary>The value.</summary>
    /// <param name="context">Keeps what the backward pass needs.</param>
    /// <param name="arguments">What <c>apply</c> was given.</param>
    protected abstract Tensor Forward(autograd.AutogradContext context, object[] arguments);

    /// <summary>The gradients.</summary>
    /// <param name="context">As the forward pass left it.</param>
    /// <param name="gradient">With respect to the value.</param>
    /// <returns>One for each argument, null where it has none.</returns>
    protected abstract List<Tensor> Backward(autograd.AutogradContext context, Tensor gradient);
}
