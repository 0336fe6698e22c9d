
namespace TorchSharp.Modules;

/// <summary>A tensor that is trained: a leaf that requires a gradient, taken over from <c>data</c>, which becomes invalid.</summary>
public class Parameter : torch.Tensor
{
    public Parameter(torch.Tensor data, bool requires_grad = true)
        : base(data.requires_grad_(requires_grad))
    {
    }
}

/// <summary>y = x W' + b; weight [out, in] and bias [out] start uniform in +-1/sqrt(in), as PyTorch's.</summary>
public sealed class Linear : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    internal Linear(long inputSize, long outputSize, bool hasBias)
        : base(nameof(Linear))
    {
        double bound = 1 / Math.Sqrt(inputSize);
        register_parameter("weight", new Parameter(torch.empty(outputSize, inputSize).uniform_(-bound, bound)));
        if (hasBias)
        {
            register_parameter("bias", new Parameter(torch.empty(outputSize).uniform_(-bound, bound)));
        }
    }

    public Parameter weight => get_parameter("weight")!;

    public Parameter? bias => get_parameter("bias");

    public override torch.Tensor forward(torch.Tensor tensor) => torch.nn.functional.linear(tensor, weight, bias);
}

/// <summary>Rows of a table [count, width], which starts standard normal, as PyTorch's.</summary>
public sealed class Embedding : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    internal Embedding(long count, long width)
        : base(nameof(Embedding)) => register_parameter("weight", new Parameter(torch.empty(count, width).normal_()));

    public Parameter weight => get_parameter("weight")!;

    public override torch.Tensor forward(torch.Tensor input) => Operators.Embedding.Call(weight, input);
}

/// <summary>
/// One step of an LSTM: weight_ih [4H, in], weight_hh [4H, H], biases [4H], gates in the order input, forget, cell, output; all start uniform in
/// +-1/sqrt(H), as PyTorch's.
/// </summary>
public sealed class LSTMCell : torch.nn.Module<torch.Tensor, (torch.Tensor, torch.Tensor)?, (torch.Tensor, torch.Tensor)>
{
    private readonly long _hiddenSize;

    internal LSTMCell(long inputSize, long hiddenSize)
        : base(nameof(LSTMCell))
    {
        _hiddenSize = hiddenSize;
        double bound = 1 / Math.Sqrt(hiddenSize);
        register_parameter("weight_ih", new Parameter(torch.empty(4 * hiddenSize, inputSize).uniform_(-bound, bound)));
        register_parameter("weight_hh", new Parameter(torch.empty(4 * hiddenSize, hiddenSize).uniform_(-bound, bound)));
        register_parameter("bias_ih", new Parameter(torch.empty(4 * hiddenSize).uniform_(-bound, bound)));
        register_parameter("bias_hh", new Parameter(torch.empty(4 * hiddenSize).uniform_(-bound, bound)));
    }

    public Parameter weight_ih => get_parameter("weight_ih")!;

    public Parameter weight_hh => get_parameter("weight_hh")!;

    public Parameter bias_ih => get_parameter("bias_ih")!;

    public Parameter bias_hh => get_parameter("bias_hh")!;

    public new (torch.Tensor, torch.Tensor) call(torch.Tensor input, (torch.Tensor, torch.Tensor)? h0_c0 = null) => forward(input, h0_c0);

    public override (torch.Tensor, torch.Tensor) forward(torch.Tensor input, (torch.Tensor, torch.Tensor)? h0_c0)
    {
        (torch.Tensor hidden, torch.Tensor cell) = h0_c0 ?? (
            torch.zeros(input.shape[0], _hiddenSize, device: input.device),
            torch.zeros(input.shape[0], _hiddenSize, device: input.device));
        torch.Tensor[] next = Operators.LstmCell.CallMany(2, input, new[] { hidden, cell }, weight_ih, weight_hh, bias_ih, bias_hh);
        return (next[0], next[1]);
    }
}

/// <summary>A convolution over [B, in, T] with weight [out, in, width], which starts uniform in +-1/sqrt(in * width), as PyTorch's.</summary>
public sealed class Conv1d : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    internal Conv1d(long inChannels, long outChannels, long kernelSize)
        : base(nameof(Conv1d))
    {
        double bound = 1 / Math.Sqrt(inChannels * kernelSize);
        register_parameter("weight", new Parameter(torch.empty(outChannels, inChannels, kernelSize).uniform_(-bound, bound)));
        register_parameter("bias", new Parameter(torch.empty(outChannels).uniform_(-bound, bound)));
    }

    public Parameter weight => get_parameter("weight")!;

    public Parameter? bias => get_parameter("bias");

    public override torch.Tensor forward(torch.Tensor input) => torch.nn.functional.conv1d(input, weight, bias);
}
