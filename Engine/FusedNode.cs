using static TorchSharp.torch;

namespace GumbelGan.Engine;

/// <summary>A value in libtorch's graph whose two passes are ours.</summary>
public static class FusedNode
{
    /// <summary>Makes the value, and says how gradients pass it.</summary>
    /// <param name="forward">The value; what it computes is not recorded.</param>
    /// <param name="backward">
    /// From the gradient with respect to the value, the gradients of the inputs in their order, null where there is none. What it throws waits in
    /// <see cref="BackwardFailure"/>.
    /// </param>
    /// <param name="inputs">The tensors that gradients may reach.</param>
    public static Tensor Apply(Func<Tensor> forward, Func<Tensor, IEnumerable<Tensor?>> backward, params Tensor[] inputs) =>
        Node.apply([forward, backward, .. inputs]);

    private sealed class Node : autograd.SingleTensorFunction<Node>
    {
        private const int Passes = 2;
        private const string BackwardKey = "backward", ArgumentsKey = "number of arguments";

        public override string Name => nameof(FusedNode);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data(BackwardKey, vars[1]);
            ctx.save_data(ArgumentsKey, vars.Length);
            return ((Func<Tensor>)vars[0])();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var pass = (Func<Tensor, IEnumerable<Tensor?>>)ctx.get_data(BackwardKey);
            return BackwardFailure.Catch<List<Tensor>>(
                () => [.. new Tensor[Passes], .. pass(grad_output).Select(gradient => gradient!)], [.. new Tensor[(int)ctx.get_data(ArgumentsKey)]]);
        }
    }
}
